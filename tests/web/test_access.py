"""Another account's creatives are in none of one's own lists. Who may open what: tests/security/test_routes.py."""

from tests import factories


def test_another_accounts_creatives_are_in_no_list(as_owner, connection, add_creative):
    foreign = add_creative(factories.make_account(name="Somebody else"))
    assert f"creative-{foreign.id}" not in as_owner.get("/creatives").text
    assert f"creative-{foreign.id}" not in as_owner.htmx("get", "/creatives/new").text

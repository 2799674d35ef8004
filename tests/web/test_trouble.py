"""When Stripe can no longer be read, the page says why and what to do, until it works again."""

import pytest

from manimod.jobs import transaction

PAGE = "/settings/integrations/stripe"


def notice(page: str) -> str:
    """The notice on top of the page; empty where it is hidden."""
    section = page.split('<section id="trouble"')[1].split("</section>")[0]
    return "" if " hidden>" in section else section


def test_without_trouble_there_is_no_notice(as_owner, connection):
    assert not notice(as_owner.get(PAGE).text)


def test_a_key_that_was_deleted_in_stripe_asks_for_another(as_owner, connected, stripe_account, sandbox, drain):
    drain()
    sandbox.delete_key(stripe_account["keys"]["test"]["restricted"])
    as_owner.post(f"{PAGE}/sync")
    drain()
    said = notice(as_owner.get(PAGE).text)
    assert "mani can't read your Stripe account." in said
    assert "Stripe rejected this key" in said
    assert "replace=1" in said
    assert "Replace key" in said


def test_it_is_gone_as_soon_as_a_sync_works(as_owner, connected, drain):
    with transaction():
        connected.last_error = "STRIPE_KEY_EXPIRED"
    assert notice(as_owner.get(PAGE).text)
    drain()
    assert not notice(as_owner.get(PAGE).text)


@pytest.mark.parametrize("code", ["STRIPE_UNREACHABLE", "STRIPE_RATE_LIMITED", "STRIPE_FAILED"])
def test_what_passes_by_itself_asks_for_nothing(as_owner, connection, code):
    with transaction():
        connection.last_error = code
    said = notice(as_owner.get(PAGE).text)
    assert "mani tries again by itself." in said
    assert "Replace key" not in said
    assert "Nothing was changed" not in said, "nobody was changing anything"


def test_it_stands_above_the_form_that_replaces_the_key(as_owner, connection):
    with transaction():
        connection.last_error = "STRIPE_KEY_EXPIRED"
    page = as_owner.get(f"{PAGE}?replace=1").text
    assert "has expired" in notice(page)
    assert "Replace key" not in notice(page), "the form is already there"

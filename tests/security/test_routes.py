"""Every route and who gets in: the one table of it. A new route without a rule fails.

Each route is asked by a stranger, another account's owner, support (with and without a second factor) and its own
owner, with real ids of the own owner's rows; then by a form of another site.
"""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from manimod.extensions import db
from manimod.models import Creative, Tier
from manimod.stripe import connections
from tests import factories
from tests.browser.filling import fill
from tests.client import SAFE_METHODS, Client

IN = "in"  # any answer but a refusal
SIGN_IN, NO, GONE = "to the sign-in", 403, 404

# Who is told what:     a stranger, another owner, support, half support (no second factor), the owner
OPEN = dict(stranger=IN, other=IN, support=IN, half=IN, owner=IN)
OWNERS = dict(stranger=SIGN_IN, other=IN, support=NO, half=NO, owner=IN)  # each sees their own
OF_ONE_OWNER = OWNERS | dict(other=GONE)  # the address names a row
SUPPORTS = dict(stranger=SIGN_IN, other=NO, support=IN, half=NO, owner=NO)
SIGNED_IN = dict(stranger=SIGN_IN, other=IN, support=IN, half=IN, owner=IN)
OFF = dict(stranger=GONE, other=GONE, support=GONE, half=GONE, owner=GONE)  # Flask-Security's, not used here
STRIPES = dict(stranger=400, other=400, support=400, half=400, owner=400)  # only a signature counts
SIGNING_IN = dict(stranger=SIGN_IN, other=GONE, support=GONE, half=GONE, owner=GONE)  # between password and code

RULES = {
    "ad_accounts.*": OWNERS,
    "assets.serve": OPEN,
    "bootstrap.static": OPEN,
    "audience_list.*": OF_ONE_OWNER,
    "brand.*": OWNERS,
    "creatives.queue": OWNERS,
    "creatives.arrivals": OWNERS,
    "creatives.decide_many": OWNERS,
    "creatives.reopen_many": OWNERS,
    "creatives.*": OF_ONE_OWNER,
    "dashboard.*": OWNERS,
    "editor.*": OF_ONE_OWNER,
    "exports.download": OF_ONE_OWNER,
    "exports.*": OWNERS,
    "health.*": OPEN,  # /metrics from the same machine only, or with METRICS_TOKEN: tests/web/test_metrics.py
    "security.login": OPEN,
    "security.logout": OPEN,
    "security.change_password": SIGNED_IN,
    "security.static": OFF,
    "security.two_factor_setup": SIGNING_IN,
    "security.two_factor_token_validation": SIGNING_IN,
    "security.two_factor_rescue": OFF,
    "security.two_factor_setup_validate": OFF,
    "security.tf_select": OFF,
    "security.verify": OFF,
    "static": OPEN,
    "settings.rename_tier": OF_ONE_OWNER,
    "settings.save_tier_lines": OF_ONE_OWNER,
    "settings.save_tier_picture": OF_ONE_OWNER,
    "settings.tier_picture": OF_ONE_OWNER,
    "settings.*": OWNERS,
    "setup.*": OWNERS,
    "support.*": SUPPORTS,
    "troubleshooting.event": OF_ONE_OWNER,
    "troubleshooting.replay": OF_ONE_OWNER,
    "troubleshooting.*": OWNERS,
    "webhooks.stripe": STRIPES,
}
# A version that was replaced, a file that was made, a text that is edited, a picture that was uploaded.
NEED_MORE = ("creatives.restore", "exports.download", "editor.check", "settings.tier_picture")
FILES = {"assets.serve": "mani.css", "bootstrap.static": "css/bootstrap.min.css", "static": "mani.css"}
VISITORS = list(OPEN)
SECRET_OF_THE_ACCOUNT = "Canary Works"


def rule_of(endpoint: str) -> dict | None:
    return RULES.get(endpoint) or RULES.get(endpoint.partition(".")[0] + ".*")


def routes(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Each method and rule; the way out comes last, since it changes what the others answer."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint == "settings.disconnect"):
        yield from ((method, rule) for method in sorted(rule.methods - {"HEAD", "OPTIONS"}))


def is_unsafe(method: str) -> bool:
    return method not in SAFE_METHODS


@pytest.fixture
def people(app, account, owner) -> dict[str, Client]:
    """A way to a fresh session of each visitor, since some routes end it."""
    other = factories.make_account(name="Somebody else")
    factories.make_connection(other)
    users = {
        "stranger": None,
        "other": factories.make_owner(other),
        "support": factories.make_support(),
        "half": factories.make_support(authenticator=False),
        "owner": owner,
    }
    return {
        who: (lambda user=user: app.test_client().sign_in(user) if user else app.test_client())
        for who, user in users.items()
    }


@pytest.fixture
def addresses(app, account):
    """The address of a route, with ids of the account's own rows in it."""
    account.name = SECRET_OF_THE_ACCOUNT
    connection = fill(account)
    creative = db.session.scalar(select(Creative.id).where(Creative.status == "waiting"))
    values = {
        "creative_id": creative,
        "review_id": 1,
        "index": 0,
        "canvas": "1080x1080",
        "file_format": "svg",
        "decision": "approve",
        "event": "renewed",
        "kind": "renewed",
        "tier_id": db.session.scalar(select(Tier.id)),
        "token": connection.webhook_token,
        "digest": "any",
        "name": "mani.css",
        "account_id": account.id,
        "event_id": 1,
        "export_id": 1,
        "list_id": 1,
        "check": "webhook",
        "action": "sync",
    }

    def build(rule: Rule) -> str:
        own = {"filename": FILES.get(rule.endpoint, "nothing"), "path": "nothing"} if rule.arguments else {}
        with app.test_request_context():
            return rule.build({name: (own | values)[name] for name in rule.arguments}, append_unknown=False)[1]

    return build


def rows_of(account) -> dict[str, list]:
    """All that is stored for the account, but what support and refused deliveries leave behind."""
    db.session.rollback()
    mine = {"account_id": account.id, "connection_id": connections.get_for_account(account).id}
    found = {}
    for table in db.metadata.sorted_tables:
        columns = [table.c[name] == number for name, number in mine.items() if name in table.c]
        if columns and table.name not in ("user", "audit_entry", "rejected_delivery"):
            found[table.name] = sorted(map(repr, db.session.execute(select(table).where(*columns))))
    return found


def told(answer) -> object:
    if answer.status_code in (302, 303) and (answer.location or "").startswith("/sign-in"):
        return SIGN_IN
    return answer.status_code if answer.status_code in (400, 401, 403, 404, 405) else IN


def test_every_route_has_a_rule(app):
    assert {rule.endpoint for _, rule in routes(app) if rule_of(rule.endpoint) is None} == set()


@pytest.mark.parametrize("who", VISITORS)
def test_each_visitor_is_told_what_the_table_says(app, account, people, addresses, who):
    before = rows_of(account)
    wrong = {}
    for method, rule in routes(app):
        answer = people[who]().open(addresses(rule), method=method, data={} if is_unsafe(method) else None)
        expected = (rule_of(rule.endpoint) or {}).get(who)
        if told(answer) != expected and not may_be(rule, answer, who):
            wrong[f"{method} {rule}"] = f"{answer.status_code}, not {expected}"
        assert answer.status_code < 500, rule
        if who in ("stranger", "other"):
            assert SECRET_OF_THE_ACCOUNT not in answer.text, rule
    assert wrong == {}
    if who not in ("owner", "support"):
        after = rows_of(account)
        assert [name for name in before if before[name] != after[name]] == []


def may_be(rule: Rule, answer, who: str) -> bool:
    """What is no refusal: a sign-out that leads to the sign-in, one's own logo or old version that isn't there."""
    if rule.endpoint == "security.logout":
        return answer.status_code == 302
    is_own = rule.endpoint == "brand.logo" or (who == "owner" and rule.endpoint in NEED_MORE)
    return is_own and answer.status_code == 404 and who in ("other", "owner")


def test_reading_changes_nothing(app, account, people, addresses):
    before = rows_of(account)
    for method, rule in routes(app):
        if not is_unsafe(method):
            people["owner"]().get(addresses(rule))
    assert rows_of(account) == before


def test_an_action_is_no_page(app, people, addresses):
    """Where an address is only for actions, following a link to it does nothing."""
    pages = {addresses(rule) for method, rule in routes(app) if method == "GET"}
    for method, rule in routes(app):
        if is_unsafe(method) and addresses(rule) not in pages:
            answer = people["owner"]().get(addresses(rule))
            assert answer.status_code == 405, rule
            assert "POST" in answer.headers["Allow"]


def test_a_form_of_another_site_is_refused_everywhere(app, account, people, addresses):
    before = rows_of(account)
    accepted = []
    for method, rule in routes(app):
        if not is_unsafe(method) or rule.endpoint == "webhooks.stripe":
            continue
        for who in ("owner", "support"):
            visitor = people[who]()
            visitor.sends_csrf = False
            answer = visitor.open(addresses(rule), method=method)
            if answer.status_code != 400 or "form has expired" not in answer.text:
                accepted.append(f"{who}: {method} {rule}: {answer.status_code}")
    assert accepted == []
    assert rows_of(account) == before

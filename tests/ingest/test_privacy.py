"""What mani must not keep never arrives: canaries in every field of events and lists are found nowhere afterwards."""

import json
import random
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import text

from manimod.creatives import export
from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.stripe import connections
from tests import factories
from tests.browser.filling import make_creative
from tests.moments.conftest import lists  # noqa: F401
from tests.stripe_events import customer, event, invoice, item, price, subscription

CANARIES = {
    "card": "4000056655665556",
    "last4": "9276-last-four",
    "iban": "DE89370400440532013000",
    "email": "canary@example.org",
    "phone": "+49 30 5550199",
    "address": "77 Canary Row",
    "amount": "314159265",
    "tax_id": "GB999999973",
    "description": "canary-description",
}
# What the allow-list keeps, as docs/privacy.md says; a canary is put into every field but these.
KEPT = {
    "id", "object", "type", "created", "livemode", "name", "status", "customer", "subscription", "product", "price",
    "nickname", "currency", "interval", "interval_count", "usage_type", "quantity", "current_period_start",
    "start_date", "ended_at", "billing_cycle_anchor", "latest_invoice", "billing_reason", "period_end", "start",
    "deleted", "unit_amount", "data", "items", "lines", "parent", "subscription_details", "recurring", "period",
    "subscription_item_details", "proration", "has_more",
}  # fmt: skip


def poison(value, draw: random.Random):
    """The same JSON, with canaries in place of every value that is not kept, and in new fields beside them."""
    if isinstance(value, list):
        return [poison(member, draw) for member in value]
    if not isinstance(value, dict):
        return value
    poisoned = {}
    for key, member in value.items():
        nested = isinstance(member, (dict, list))
        poisoned[key] = poison(member, draw) if nested else member if key in KEPT else draw.choice([*CANARIES.values()])
    return poisoned | {f"x_{name}": canary for name, canary in CANARIES.items()} | {"amount": 314159265}


@pytest.fixture
def everything(app, valkey: Redis, as_owner, capfd, database_url):
    """All that mani has kept, logged or shown."""

    def read() -> str:
        db.session.commit()
        db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        stored = Path(database_url.removeprefix("sqlite:///")).read_bytes().decode("latin-1")
        cached = " ".join(str(valkey.dump(key)) for key in valkey.scan_iter())
        pages = " ".join(
            as_owner.get(rule.rule).get_data(as_text=True)
            for rule in app.url_map.iter_rules()
            if "GET" in rule.methods and not rule.arguments
        )
        logged = "".join(capfd.readouterr())
        return "\n".join([stored, cached, pages, logged])

    return read


def assert_clean(haystack: str) -> None:
    assert len(haystack) > 10_000
    assert [name for name, canary in CANARIES.items() if canary in haystack] == []


def test_the_canaries_would_be_found(everything, account):
    with transaction():
        account.name = CANARIES["email"]
    with pytest.raises(AssertionError):
        assert_clean(everything())


def test_no_canary_of_an_event_is_kept(connected, client, drain, everything):
    draw = random.Random(7)
    dear = subscription(items=[item(price(amount=4900))])
    for kind, body in [
        ("customer.created", customer()),
        ("customer.subscription.created", dear),
        ("invoice.paid", invoice("in_7")),
        ("invoice.payment_failed", invoice("in_8")),
        ("customer.subscription.deleted", dear | {"status": "canceled"}),
        ("charge.succeeded", {"id": "ch_1", "payment_method_details": {"card": {"last4": "4242"}}}),
    ]:
        told = event(kind, poison(body, draw))
        answer = client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(told))
        assert answer.status_code == 200
    drain()
    assert_clean(everything())


def test_no_canary_of_a_refused_body_is_kept(connected, client, drain, everything):
    body = json.dumps(poison(customer(), random.Random(3))).encode()
    address = f"/webhooks/stripe/{connected.webhook_token}"
    assert client.post(address, **factories.signed(body)).status_code == 400
    assert client.post(address, **factories.signed(body, secret="whsec_other")).status_code == 400
    assert_clean(everything())


def test_no_canary_of_a_list_is_kept(connected, sandbox, stripe_account, drain, everything):
    stripe = sandbox.client(stripe_account["keys"]["test"]["secret"])
    person = stripe.v1.customers.create(
        {
            "name": "Hazel Testford",
            "email": CANARIES["email"],
            "phone": CANARIES["phone"],
            "address": {"line1": CANARIES["address"]},
            "description": CANARIES["description"],
            "metadata": {"iban": CANARIES["iban"], "card": CANARIES["card"]},
        }
    )
    plans = sandbox.catalogue(stripe_account["id"])
    stripe.v1.subscriptions.create(
        {
            "customer": person.id,
            "items": [{"price": plans["Team"]["month"]}],
            "metadata": {"tax_id": CANARIES["tax_id"], "last4": CANARIES["last4"]},
        }
    )
    with transaction():
        sync.request_sync(connected)
    drain()
    haystack = everything()
    assert "Hazel Testford" in haystack
    assert_clean(haystack)


def test_of_products_and_the_account_only_what_is_public_is_kept(app, account, lists, drain, everything):  # noqa: F811
    draw = random.Random(11)
    product = {"id": "prod_team", "object": "product", "name": "Team", "active": True}
    product |= {"statement_descriptor": "x", "tax_code": "x", "package_dimensions": {"height": 1}, "lookup_key": "x"}
    features = {"marketing_features": [{"name": "Timeline view"}], "description": "For those who plan together."}
    notes = {"customer_email": CANARIES["email"], "owner_note": CANARIES["iban"], "stripeKey": CANARIES["card"]}
    notes |= {"contact": CANARIES["phone"], "internal_price": CANARIES["amount"], "features": "Shared calendars"}
    lists.lists = {"/v1/prices": [price() | {"product": poison(product, draw) | features | {"metadata": notes}}]}
    business = {"product_description": CANARIES["description"], "mcc": CANARIES["tax_id"], "name": "Quux Planning"}
    business |= {"support_phone": CANARIES["phone"], "support_address": {"line1": CANARIES["address"]}}
    lists.account = poison({"id": "acct_test"}, draw) | {"business_profile": business, "email": CANARIES["email"]}
    connection = factories.make_connection(account)
    with transaction():
        sync.request_sync(connection)
    drain()
    haystack = everything()
    for kept in ("Timeline view", "For those who plan together.", "Shared calendars", "Quux Planning"):
        assert kept in haystack
    assert_clean(haystack)


def test_neither_key_nor_signing_secret_is_kept_in_the_clear(connected, stripe_account, drain, everything):
    drain()
    haystack = everything()
    assert stripe_account["keys"]["test"]["restricted"] not in haystack
    assert factories.SIGNING_SECRET not in haystack


def test_after_a_disconnect_no_name_is_left(connected, client, drain, everything):
    told = event("customer.created", customer(name="Nomen Nescio"))
    client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(told))
    drain()
    assert "Nomen Nescio" in everything()
    with transaction():
        connections.disconnect(connected)
    assert "Nomen Nescio" not in everything()


def test_after_a_disconnect_the_creatives_stay_and_can_still_be_exported(connected, account):
    with transaction():
        approved = make_creative(account, status="approved")
        db.session.add(approved)
    with transaction():
        connections.disconnect(connected)
    approved = db.session.scalars(export.ExportSelection(is_test=True).query(account)).all()
    assert len(export.judge(account, approved)[0]) == 1

"""Support finds people by ids, never by name, and each look at what is known of one has its reason in the audit log."""

import pytest
from sqlalchemy import select

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import AuditEntry, Connection, Creative, Customer, Invoice, StripeEvent, Subscription
from manimod.models.accounts import now
from tests import factories
from tests.client import Client
from tests.stripe_events import customer, event

NAME, REASON = "Hazel Testford", "Ticket 4711: nothing arrives"


@pytest.fixture
def here(client, connected, drain) -> str:
    """The address of an account with one customer, whose event has become a creative."""
    drain()  # the first sync, which would not see this customer
    one = event("customer.created", customer(name=NAME))
    client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(one))
    drain()
    add_rows(connected, "cus_1", "1")
    return f"/support/accounts/{connected.account_id}"


def add_rows(connection: Connection, customer_id: str, number: str) -> None:
    own = {"connection_id": connection.id, "stripe_customer_id": customer_id, "observed_at": now()}
    with transaction():
        if not db.session.scalar(select(Customer).filter_by(connection_id=connection.id, stripe_id=customer_id)):
            names = {"stripe_id": customer_id, "name": NAME, "created_at": now()}
            db.session.add(Customer(connection_id=connection.id, **names))
        db.session.add(Subscription(stripe_id=f"sub_{number}", status="active", created_at=now(), **own))
        db.session.add(Invoice(stripe_id=f"in_{number}", status="paid", **own))


@pytest.fixture
def find(as_support, here):
    """What the page says of whom it has found, and its status."""

    def find(text: str, reason: str = REASON) -> tuple[int, str]:
        answer = as_support.post(f"{here}/customers", data={"text": text, "reason": reason})
        return answer.status_code, answer.text.partition('id="found-customers"')[2]

    return find


def entries() -> list[tuple]:
    db.session.rollback()
    return [(row.action, row.reason, row.details) for row in db.session.scalars(select(AuditEntry))]


def ids() -> list[str]:
    """Every id by which the customer may be found."""
    stored = db.session.scalar(select(StripeEvent.stripe_id))
    return ["cus_1", "sub_1", "in_1", stored, str(db.session.scalar(select(Creative.id)))]


@pytest.mark.both_databases
def test_a_customer_is_found_by_each_id_and_each_look_is_audited(find):
    for number, text in enumerate(ids(), 1):
        status, found = find(f" {text} ")
        assert (status, "cus_1" in found) == (200, True)
        assert "In a creative" in found
        assert entries() == [("looked", REASON, {"customers": ["cus_1"]})] * number


def test_no_part_of_a_name_finds_anybody(find):
    parts = [NAME[:end] for end in range(1, len(NAME) + 1)] + ["hazel", "%", "_", "Testford", "cus_", "CUS_1", "*"]
    for part in parts:
        status, found = find(part)
        assert status == 200
        assert "cus_1" not in found
        assert "know this customer" in found
    assert entries() == [("looked", REASON, {"customers": []})] * len(parts), "what was typed may be a name"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_without_a_reason_nothing_is_shown(find, as_support, here, reason):
    assert find("cus_1", reason) == (422, "")
    row_id = db.session.scalar(select(StripeEvent.id))
    answer = as_support.post(f"{here}/events/{row_id}", data={"reason": reason})
    assert (answer.status_code, "event-detail" in answer.text) == (422, False)
    assert entries() == []


def test_an_address_alone_shows_nothing(as_support, here):
    row_id = db.session.scalar(select(StripeEvent.id))
    for address in (f"{here}/customers?text=cus_1&reason=x&q=cus_1", f"{here}/events/{row_id}?reason=x"):
        page = as_support.get(address)
        assert page.status_code == 200
        assert "cus_1" not in page.text.partition("<main")[2].replace("cus_…", "")
        assert "event-detail" not in page.text
    assert entries() == []


def test_a_look_at_an_event_is_audited(as_support, here):
    row = db.session.scalar(select(StripeEvent))
    page = as_support.post(f"{here}/events/{row.id}", data={"reason": REASON})
    assert "event-detail" in page.text
    assert entries() == [("looked", REASON, {"event": row.stripe_id})]


def test_no_page_of_support_shows_a_name(as_support, here):
    row_id = db.session.scalar(select(StripeEvent.id))
    looks = {"reason": REASON, "text": "cus_1"}
    pages = [as_support.get(address) for address in ("/support", here, f"{here}/customers", f"{here}/events/{row_id}")]
    pages += [as_support.post(f"{here}/{look}", data=looks) for look in ("customers", f"events/{row_id}", "check")]
    pages.append(as_support.get(here))
    assert not [page for page in pages if "Hazel" in page.text or "Testford" in page.text]


def test_another_accounts_customer_is_not_found(find, here):
    other = factories.make_connection()
    add_rows(other, "cus_2", "2")
    for text in ("cus_2", "sub_2", "in_2"):
        assert "cus_2" not in find(text)[1]


def test_the_owner_reads_whom_support_looked_at_and_why(find, as_owner):
    find("cus_1")
    find("nobody")
    page = as_owner.get("/settings/account").text
    assert "Looked at customers" in page
    assert "cus_1" in page
    assert "nobody found" in page
    assert REASON in page


def test_a_form_of_another_site_looks_at_nobody(as_support, here):
    stranger: Client = as_support
    stranger.sends_csrf = False
    assert stranger.post(f"{here}/customers", data={"text": "cus_1", "reason": REASON}).status_code == 400
    assert entries() == []

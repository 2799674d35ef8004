"""Support gives a reason once per visit, and then reads what the owner sees; every look is in the audit log with it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import AuditEntry, Creative, StripeEvent
from manimod.models.accounts import now
from tests import factories
from tests.browser.filling import fill
from tests.stripe_events import customer, event

REASON = "Ticket 4711: the queue is empty"


@pytest.fixture
def here(account) -> str:
    fill(account)
    return f"/support/accounts/{account.id}"


def looks() -> list[dict]:
    db.session.rollback()
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    return [row.details for row in rows if (row.action, row.reason) == ("looked", REASON)]


def set_time_of_visit(client, ago: timedelta) -> None:
    with client.session_transaction() as session:
        session["visit"] = session["visit"] | {"until": (now() + timedelta(minutes=30) - ago).timestamp()}


def test_the_owners_pages_need_a_reason_once(as_support, here):
    creative = db.session.scalar(select(Creative.id))
    pages = [f"{here}/owner", f"{here}/creatives/{creative}"]
    for page in pages:
        assert "brand-title" not in as_support.get(page).text
        assert "Variant 1" not in as_support.get(page).text
        assert as_support.post(page, data={"reason": " "}).status_code == 422
    assert "brand-title" in as_support.post(pages[0], data={"reason": REASON}).text
    assert "Variant 1" in as_support.get(pages[1]).text
    assert looks() == [{"page": "owner"}, {"creative": creative}]


def test_what_the_owner_has_is_there_to_read(as_support, account, here):
    owner = factories.make_owner(account, "o@example.com")
    page = as_support.post(f"{here}/owner", data={"reason": REASON}).text
    assert "Switched off" not in page
    assert account.name in page.partition('id="brand-title"')[2]
    waiting = db.session.scalars(select(Creative.id).filter_by(status="waiting")).all()
    assert all(f"{here}/creatives/{number}" in page for number in waiting)
    assert f"Creative {waiting[0]} " in page
    assert f"{here}/creatives/{waiting[0]}" not in as_support.get(f"{here}/owner?status=approved").text
    assert owner.email not in page
    main = page.partition("<main")[2]
    assert main.count("<form") == 0, "nothing can be changed"


def test_the_reason_serves_the_actions_too(as_support, here):
    assert as_support.post(f"{here}/sync", data={"reason": ""}).status_code == 422
    as_support.post(f"{here}/owner", data={"reason": REASON})
    assert 'name="reason"' not in as_support.get(here).text
    assert as_support.post(f"{here}/plan", data={"plan": "scale"}).status_code == 303
    row = db.session.scalar(select(StripeEvent.id))
    assert "event-detail" in as_support.get(f"{here}/events/{row}").text
    assert looks()[-1] == {"event": "evt_1"}
    found = as_support.post(f"{here}/customers", data={"text": "cus_1"})
    assert found.status_code == 200
    assert looks()[-1] == {"customers": ["cus_1"]}


def test_after_half_an_hour_it_is_asked_again(as_support, here):
    as_support.post(f"{here}/owner", data={"reason": REASON})
    set_time_of_visit(as_support, timedelta(minutes=29))
    assert "brand-title" in as_support.get(f"{here}/owner").text
    set_time_of_visit(as_support, timedelta(minutes=31))
    assert "brand-title" not in as_support.get(f"{here}/owner").text
    assert 'name="reason"' in as_support.get(here).text


def test_a_reason_is_for_one_account(as_support, here):
    as_support.post(f"{here}/owner", data={"reason": REASON})
    other = factories.make_account(name="Northlight")
    assert "brand-title" not in as_support.get(f"/support/accounts/{other.id}/owner").text
    assert as_support.post(f"/support/accounts/{other.id}/plan", data={"plan": "free"}).status_code == 422


def test_another_accounts_creative_is_not_there(as_support, here):
    creative, other = db.session.scalar(select(Creative.id)), factories.make_account(name="Northlight")
    answer = as_support.post(f"/support/accounts/{other.id}/creatives/{creative}", data={"reason": REASON})
    assert answer.status_code == 404


def test_each_events_row_says_what_came_of_it(client, as_support, as_owner, connected, drain):
    drain()

    def deliver(number: str) -> None:
        sent = factories.signed(event("customer.created", customer(f"cus_{number}")))
        assert client.post(f"/webhooks/stripe/{connected.webhook_token}", **sent).status_code == 200
        drain()

    deliver("1")
    as_owner.post("/settings/integrations/stripe/events/new_customer", data={})
    deliver("2")
    creative = db.session.scalar(select(Creative.id))
    page = as_support.get(f"/support/accounts/{connected.account_id}").text
    log = page.partition('id="events-title"')[2]
    assert f"/support/accounts/{connected.account_id}/creatives/{creative}" in log
    assert f"creative {creative}, All customers" in log
    assert "skipped (switched off)" in log
    owners = as_owner.get("/troubleshooting/deliveries").text
    assert f'href="/creatives/{creative}"' in owners
    assert "skipped (switched off)" in owners


def test_the_list_says_how_old_each_health_is(as_support, account, connected, drain):
    drain()
    assert "checked " in as_support.get("/support").text


def test_a_rejected_delivery_marks_its_account_at_once(client, as_support, connected, drain):
    drain()
    with transaction():
        connected.signing_secret_set_at = now() - timedelta(days=1)
    sent = factories.signed(event("customer.created", customer()))
    sent["headers"]["Stripe-Signature"] = "t=1,v1=00"
    for _ in range(3):
        assert client.post(f"/webhooks/stripe/{connected.webhook_token}", **sent).status_code == 400
    drain()
    row = as_support.get("/support?show=broken").text
    assert connected.account.name in row
    assert "checked" in row

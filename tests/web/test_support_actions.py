"""What support may do to an account: each action needs a reason, and stands in the audit log that the owner reads."""

import pytest
from sqlalchemy import delete, select, update

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import AuditEntry, AuditIsFinal, Health, Moment, StripeEvent
from manimod.stripe import connections
from tests import factories
from tests.stripe_events import customer, event

REASON = "Ticket 4711: nothing arrives"


@pytest.fixture
def here(connected):
    return f"/support/accounts/{connected.account_id}"


@pytest.fixture
def do(as_support, here):
    def post(action: str, reason: str = REASON, **fields):
        return as_support.post(f"{here}/{action}", data={"reason": reason, **fields})

    return post


@pytest.fixture
def failed_event(client, connected, drain):
    """An event that was given up."""
    one = event("customer.created", customer(name="Hazel Testford"))
    client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(one))
    with transaction():
        db.session.execute(update(StripeEvent).values(state="failed"))
    return db.session.scalar(select(StripeEvent))


def entries() -> list[tuple]:
    db.session.rollback()
    return [(row.action, row.reason, row.details) for row in db.session.scalars(select(AuditEntry))]


ACTIONS = ("sync", "plan")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_nothing_is_done_without_a_reason(do, connected, action, reason):
    answer = do(action, reason, plan="free")
    assert answer.status_code == 422
    assert "Say why" in answer.text
    assert (entries(), connected.account.plan) == ([], "pro")


@pytest.mark.parametrize("action", [*ACTIONS, "check", "events/1/replay"])
def test_a_form_of_another_site_is_refused(as_support, do, action):
    as_support.sends_csrf = False
    assert do(action).status_code == 400
    assert entries() == []


@pytest.mark.parametrize("action", [*ACTIONS, "check", "events/1/replay"])
def test_an_owner_cannot_do_it(as_owner, here, action):
    assert as_owner.post(f"{here}/{action}", data={"reason": REASON}).status_code == 403
    assert entries() == []


def test_the_plan_is_set_and_the_checks_know(do, connected):
    assert do("plan", plan="free").status_code == 303
    assert entries() == [("set_plan", REASON, {"before": "pro", "after": "free"})]
    assert connected.account.plan == "free"
    assert db.session.get(Health, connected.id).outcome != "good"


def test_a_plan_that_mani_doesnt_have(do, connected):
    assert do("plan", plan="gold").status_code == 422
    assert (entries(), connected.account.plan) == ([], "pro")


def test_a_sync_starts(do, connected, drain, valkey):
    drain()
    assert do("sync").status_code == 303
    assert valkey.llen("rq:queue:mani-sync") == 1
    assert entries() == [("synced", REASON, {})]


def test_the_checks_run_with_stripe_asked_and_need_no_reason(do, connected, sandbox, stripe_account):
    sandbox.delete_key(stripe_account["keys"]["test"]["restricted"])
    assert do("check", reason="").status_code == 303
    assert entries() == []
    assert db.session.get(Health, connected.id).outcome == "broken"
    assert connected.last_error == "STRIPE_KEY_REJECTED"


def test_an_event_is_processed_once_more(do, failed_event, drain):
    assert do(f"events/{failed_event.id}/replay").status_code == 303
    drain()
    assert entries() == [("replayed_event", REASON, {"event": failed_event.stripe_id})]
    assert failed_event.state == "done"
    assert db.session.scalar(select(Moment.key)) == "new_customer:cus_1"


def test_a_replay_without_a_reason_brings_the_form_back(do, failed_event):
    answer = do(f"events/{failed_event.id}/replay", reason="")
    assert answer.status_code == 422
    assert failed_event.stripe_id in answer.text
    assert (entries(), failed_event.state) == ([], "failed")


def test_another_accounts_event_is_not_there(do, as_support, failed_event):
    other = factories.make_connection()
    addresses = [f"/support/accounts/{other.account_id}/events/{failed_event.id}{more}" for more in ("", "/replay")]
    assert as_support.get(addresses[0]).status_code == 404
    assert as_support.post(addresses[1], data={"reason": REASON}).status_code == 404
    assert (entries(), failed_event.state) == ([], "failed")


def test_an_action_that_fails_leaves_no_entry(do, connected):
    with transaction():
        connections.disconnect(connected)
    assert do("sync").status_code == 409
    assert entries() == []


def test_no_page_shows_a_secret(as_support, here, connected, stripe_account, failed_event):
    secrets = [
        connected.webhook_token,
        stripe_account["keys"]["test"]["restricted"],
        factories.SIGNING_SECRET,
        connected.encrypted_api_key,
    ]
    looks = {"reason": REASON, "text": "cus_1"}
    shown = [as_support.get(page) for page in (here, "/support")]
    shown += [as_support.post(f"{here}/{page}", data=looks) for page in (f"events/{failed_event.id}", "customers")]
    for page in shown:
        assert page.status_code == 200
        assert not [secret for secret in secrets if secret in page.text]


def test_the_owner_reads_what_support_did_and_why(do, as_owner, support):
    assert "Nothing so far" in as_owner.get("/settings/account").text
    do("plan", plan="scale")
    page = as_owner.get("/settings/account").text
    assert "Plan changed: Pro → Scale" in page
    assert REASON in page
    assert support.email in page


def test_an_owner_reads_nothing_of_another_account(do, app):
    do("sync")
    stranger = app.test_client().sign_in(factories.make_owner(factories.make_account(name="Somebody else")))
    assert REASON not in stranger.get("/settings/account").text


def tamper(way: str, change: str) -> None:
    row = db.session.scalar(select(AuditEntry))
    with transaction():
        if way == "rows":
            db.session.execute(update(AuditEntry).values(reason="-") if change == "update" else delete(AuditEntry))
        elif change == "update":
            row.reason = "-"
        else:
            db.session.delete(row)


@pytest.mark.parametrize("way", ["the row", "rows"])
@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_audit_log_cannot_be_changed(do, way, change):
    do("sync")
    with pytest.raises(AuditIsFinal):
        tamper(way, change)
    assert entries() == [("synced", REASON, {})]

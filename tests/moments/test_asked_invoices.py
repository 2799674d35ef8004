"""Where the key may read invoices, the sync asks for those that decide a period instead of waiting."""

import time
from datetime import UTC, datetime

import pytest

from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Connection
from tests import factories
from tests.moments.lives import HOUR, PERIOD, invoice
from tests.moments.lives import period as items
from tests.moments.test_sources_agree import DAY, open_keys, states
from tests.stripe_events import subscription

START = int(time.time()) - 60 * DAY
BEGUN = START + 30 * DAY  # of the second period
RENEWED = f"renewed:sub_1:{BEGUN}"


@pytest.fixture
def connection(account, lists):
    lists.refused = {"/v1/events"}
    long_ago = datetime.fromtimestamp(START - DAY, UTC)
    return factories.make_connection(account, connected_at=long_ago)


@pytest.fixture
def read(connection, lists):
    """Sync at a time with these lists. Returns the keys of the moments that are open."""

    def at(when: int, now: dict, *invoices: dict) -> set[str]:
        lists.at, lists.lists = when, {"/v1/subscriptions": [now], "/v1/invoices": list(invoices)}
        with transaction():
            sync.request_sync(db.session.get(Connection, connection.id))
        sync.run(connection.id)
        return open_keys(states(connection))

    return at


def a_subscription(begins: int, **others: object) -> dict:
    times = {"created": START, "start_date": START, "billing_cycle_anchor": START}
    return subscription(**times, **others) | {"items": items(begins, begins + PERIOD)}


def of_the_second_period(status: str, **others: object) -> dict:
    return invoice(a_subscription(BEGUN), "in_2", "subscription_cycle", BEGUN) | {"status": status, **others}


@pytest.fixture
def synced(read):
    read(START + 2 * HOUR, a_subscription(START))


def test_a_paid_invoice_decides_at_once(synced, read):
    paid = of_the_second_period("paid", status_transitions={"paid_at": BEGUN + HOUR})
    assert read(BEGUN + HOUR + 60, a_subscription(BEGUN), paid) == {RENEWED}


def test_a_draft_is_not_paid_however_old_it_is(synced, read):
    assert read(BEGUN + 50 * HOUR, a_subscription(BEGUN), of_the_second_period("draft")) == set()
    assert read(BEGUN + 60 * HOUR, a_subscription(BEGUN), of_the_second_period("paid")) == {RENEWED}


def test_a_bank_debit_that_is_pending_for_days_is_no_renewal_until_it_is_paid(synced, read):
    assert read(BEGUN + 3 * HOUR, a_subscription(BEGUN), of_the_second_period("open")) == set()
    assert read(BEGUN + 4 * DAY, a_subscription(BEGUN), of_the_second_period("paid")) == {RENEWED}


def test_an_invoice_that_is_sent_renews_once_it_is_paid(synced, read):
    sent = a_subscription(BEGUN, collection_method="send_invoice")
    assert read(BEGUN + 3 * HOUR, sent, of_the_second_period("open")) == set()
    assert read(BEGUN + 9 * DAY, sent, of_the_second_period("paid")) == {RENEWED}


@pytest.mark.parametrize("status", ["void", "uncollectible"])
def test_an_invoice_that_was_given_up_renews_nothing(synced, read, status):
    assert read(BEGUN + 3 * HOUR, a_subscription(BEGUN), of_the_second_period(status)) == set()
    assert read(BEGUN + 9 * HOUR, a_subscription(BEGUN), of_the_second_period(status)) == set()


def test_of_a_newer_draft_and_an_unpaid_invoice_the_unpaid_one_has_failed(synced, read):
    owing = a_subscription(BEGUN, status="past_due", latest_invoice="in_3")
    newer = of_the_second_period("draft") | {"id": "in_3"}
    failed = of_the_second_period("open", attempt_count=1)
    assert read(BEGUN + HOUR // 2, owing, newer, failed) == {"payment_failed:in_2"}


def test_an_answer_that_stripe_cannot_give_now_leaves_the_rule_of_two_hours(synced, read, lists):
    lists.refused.add("/v1/invoices")
    assert read(BEGUN + HOUR, a_subscription(BEGUN)) == set()
    assert read(BEGUN + 3 * HOUR, a_subscription(BEGUN)) == {RENEWED}

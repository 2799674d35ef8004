"""What an event means: which moments, which withdrawals, or why none. Pure, for every API version."""

import json
from pathlib import Path

import pytest

from manimod.moments import compare, interpret
from manimod.moments.compare import Baseline
from manimod.stripe.payloads import NotAnEvent, minimise, read_subscription
from manimod.stripe.reader import Reader
from tests.stripe_events import MONTH, customer, event, invoice, item, line, price, subscription

START = 1_780_000_000
CAPTURED = Path(__file__).parents[3] / "shared" / "stripe-events"
KINDS_BY_MEANING = {
    "new_customer": "new_customer",
    "renewal": "renewed",
    "payment_failed": "payment_failed",
    "cancelled": "cancelled",
}


def meaning_of(captured: dict):
    return interpret.interpret(minimise(captured).facts)


def keys(captured: dict) -> list[str]:
    return [moment.key for moment in meaning_of(captured).moments]


def captured_events():
    index = CAPTURED / "index.json"
    rows = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    return [pytest.param(row, id=row["file"]) for row in rows]


@pytest.mark.parametrize("row", captured_events())
def test_a_captured_event_means_what_its_label_says(row):
    meaning = meaning_of(json.loads((CAPTURED / row["file"]).read_text(encoding="utf-8")))
    expected = KINDS_BY_MEANING.get(row["meaning"])
    assert [moment.kind for moment in meaning.moments] == ([expected] if expected else [])
    assert bool(meaning.erases) == (row["meaning"] == "customer_deleted")
    assert meaning.moments or meaning.reason


def test_a_new_customer():
    assert keys(event("customer.created", customer("cus_9"))) == ["new_customer:cus_9"]


def test_a_new_customer_without_a_name():
    assert keys(event("customer.created", {"id": "cus_9", "object": "customer"})) == ["new_customer:cus_9"]


def test_a_new_customer_without_an_id_counts_once_by_its_event():
    nameless = event("customer.created", {})
    assert keys(nameless) == [f"new_customer:{nameless['id']}"]


def test_a_changed_profile_is_no_moment():
    assert meaning_of(event("customer.updated", customer())).reason


def test_a_deleted_customer_is_erased_and_not_won_back():
    meaning = meaning_of(event("customer.deleted", customer("cus_9")))
    assert (meaning.moments, meaning.erases) == ((), "cus_9")


@pytest.mark.parametrize("kind", ["invoice.paid", "invoice.payment_succeeded"])
def test_a_paid_cycle_is_a_renewal_once_for_both_events_that_say_so(kind):
    assert keys(event(kind, invoice())) == [f"renewed:sub_1:{START + MONTH}"]


def test_the_renewal_of_an_api_version_before_2025_has_the_same_key():
    old = invoice(parent=None, subscription="sub_1", lines={"data": [{"type": "subscription", "period": {}}]})
    assert keys(event("invoice.paid", old)) == keys(event("invoice.paid", invoice()))


def test_a_metered_renewal_has_the_key_of_the_period_that_begins():
    metered = invoice(lines={"data": [line(START, START + MONTH)]})
    assert keys(event("invoice.paid", metered)) == [f"renewed:sub_1:{START + MONTH}"]


def test_a_proration_on_a_renewal_does_not_change_its_key():
    end = START + MONTH
    mixed = invoice(lines={"data": [line(end + 5, end + MONTH, proration=True), line(end, end + MONTH)]})
    assert keys(event("invoice.paid", mixed)) == [f"renewed:sub_1:{end}"]


@pytest.mark.parametrize(
    "reason", ["subscription_create", "subscription_update", "subscription_threshold", "manual", "upcoming", None]
)
def test_other_paid_invoices_are_no_renewals(reason):
    meaning = meaning_of(event("invoice.paid", invoice(reason=reason)))
    assert not meaning.moments
    assert meaning.reason


def test_a_paid_invoice_withdraws_its_failure():
    withdrawn = meaning_of(event("invoice.paid", invoice("in_7"))).withdrawals
    assert [withdrawal.key for withdrawal in withdrawn] == ["payment_failed:in_7"]


def test_a_failed_renewal():
    assert keys(event("invoice.payment_failed", invoice("in_7"))) == ["payment_failed:in_7"]


@pytest.mark.parametrize("reason", ["subscription_create", "manual"])
def test_a_first_or_one_off_payment_that_fails_is_no_churn(reason):
    meaning = meaning_of(event("invoice.payment_failed", invoice(reason=reason)))
    assert not meaning.moments
    assert meaning.reason


@pytest.mark.parametrize("kind", ["invoice.upcoming", "invoice.created", "invoice.payment_action_required"])
def test_an_invoice_that_is_neither_paid_nor_failed_is_no_moment(kind):
    assert not meaning_of(event(kind, invoice(None))).moments


def test_a_cancellation():
    assert keys(event("customer.subscription.deleted", subscription(status="canceled"))) == ["cancelled:sub_1"]


def test_a_cancellation_that_arrives_as_an_update_has_the_same_key():
    assert keys(event("customer.subscription.updated", subscription(status="canceled"))) == ["cancelled:sub_1"]


def test_a_cancellation_at_the_end_of_the_period_waits_for_that_end():
    asked = subscription(cancel_at_period_end=True)
    assert not keys(event("customer.subscription.updated", asked, previous={"cancel_at_period_end": False}))


def test_a_started_subscription_withdraws_the_customers_win_back():
    withdrawn = meaning_of(event("customer.subscription.created", subscription())).withdrawals
    assert [(withdrawal.kind, withdrawal.customer) for withdrawal in withdrawn] == [("cancelled", "cus_1")]


def test_a_subscription_whose_first_payment_is_open_withdraws_nothing():
    assert not meaning_of(event("customer.subscription.created", subscription(status="incomplete"))).withdrawals


@pytest.mark.parametrize("previous", [{"status": "paused"}])
def test_a_resumed_subscription_withdraws_the_customers_win_back(previous):
    meaning = meaning_of(event("customer.subscription.updated", subscription(), previous=previous))
    assert [withdrawal.customer for withdrawal in meaning.withdrawals] == ["cus_1"]


@pytest.mark.parametrize("before", ["past_due", "unpaid"])
def test_a_recovered_subscription_withdraws_its_failed_payment(before):
    meaning = meaning_of(event("customer.subscription.updated", subscription(), previous={"status": before}))
    assert [(w.kind, w.subscription) for w in meaning.withdrawals] == [("payment_failed", "sub_1")]


def test_a_converted_trial_is_neither_new_nor_a_renewal():
    meaning = meaning_of(event("customer.subscription.updated", subscription(), previous={"status": "trialing"}))
    assert not meaning.moments
    assert "trial" in meaning.reason


def test_a_trial_that_is_about_to_end_is_no_moment():
    assert not keys(event("customer.subscription.trial_will_end", subscription(status="trialing")))


def test_whole_items_among_the_previous_attributes_are_no_change_of_plan():
    moved = subscription(items=[item(period_start=START + MONTH)])
    assert not keys(event("customer.subscription.updated", moved, previous={"items": {"data": [item()]}}))


def test_a_thin_event_is_left_to_the_poll_and_the_sync():
    thin = {"id": "evt_t", "object": "v2.core.event", "type": "v1.customer.created", "created": "2026-01-01T00:00:00Z"}
    assert "thin" in meaning_of(thin).reason


def test_an_unrelated_event_is_no_moment():
    assert meaning_of(event("payout.paid", {"id": "po_1"})).reason


@pytest.mark.parametrize("body", [None, [], "event", 7, {}, {"id": "evt_1"}, {"id": 5, "type": "x", "created": 1}])
def test_what_is_no_event_is_refused(body):
    with pytest.raises(NotAnEvent):
        minimise(body)


def test_of_several_items_the_dearest_names_the_tier():
    items = [item(price("prod_seats", 900)), item(price("prod_scale", 9900)), item(price("prod_calls", None))]
    facts = read_subscription(Reader(subscription(items=items)))
    assert facts.price.product == "prod_scale"


def test_a_yearly_price_counts_by_the_month():
    yearly = price("prod_year", 12_000, recurring={"interval": "year", "interval_count": 1})
    facts = read_subscription(Reader(subscription(items=[item(price("prod_month", 1_100)), item(yearly)])))
    assert facts.price.product == "prod_month"


def test_a_metered_price_has_no_list_price():
    metered = price(recurring={"interval": "month", "interval_count": 1, "usage_type": "metered"})
    assert read_subscription(Reader(subscription(items=[item(metered)]))).price.amount is None


def test_the_plans_of_the_years_before_prices_are_understood():
    plan = {"id": "plan_gold", "name": "Gold", "amount": 500, "currency": "usd", "interval": "month"}
    facts = read_subscription(Reader({"id": "sub_1", "customer": "cus_1", "status": "active", "plan": plan}))
    assert (facts.price.id, facts.price.interval, facts.price.amount) == ("plan_gold", "month", 500)


# --- what the sync finds ---------------------------------------------------------------------------------------------


def found(before: Baseline, now: dict, connected: int = START) -> list[str]:
    facts = read_subscription(Reader(now))
    return [moment.key for moment in compare.compare(before, facts, connected, START + 2 * MONTH).moments]


def seen(status: str = "active", period_start: int | None = START) -> Baseline:
    return Baseline(status, period_start)


def test_the_sync_finds_the_renewal_that_the_event_tells():
    moved = subscription(items=[item(period_start=START + MONTH)])
    assert found(seen(), moved) == keys(event("invoice.paid", invoice()))


def test_the_sync_finds_the_failure_that_the_event_tells():
    failed = subscription(status="past_due", latest_invoice="in_7")
    assert found(seen(), failed) == keys(event("invoice.payment_failed", invoice("in_7")))


def test_the_sync_finds_the_cancellation_that_the_event_tells():
    ended = subscription(status="canceled", ended_at=START + MONTH)
    assert found(seen(), ended) == keys(event("customer.subscription.deleted", ended))


def test_an_unchanged_subscription_is_no_news():
    assert not found(seen(), subscription())


def test_a_period_that_moved_on_unpaid_is_no_renewal():
    moved = subscription(status="past_due", latest_invoice="in_7", items=[item(period_start=START + MONTH)])
    assert found(seen(), moved) == ["payment_failed:in_7"]


def test_a_subscription_that_ended_before_the_connection_is_no_news():
    ended = subscription(status="canceled", ended_at=START - MONTH)
    assert not found(Baseline(), ended)


def test_a_subscription_that_came_and_ended_between_two_syncs_is_found():
    ended = subscription(status="canceled", ended_at=START + MONTH)
    assert found(Baseline(), ended) == ["cancelled:sub_1"]

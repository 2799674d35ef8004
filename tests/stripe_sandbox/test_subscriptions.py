import json
import time

import pytest
import stripe


def last(client, kind):
    return client.v1.events.list({"type": kind, "limit": 1}).data[0]


def start_of(subscription):
    return subscription["items"].data[0].current_period_start


def test_the_first_invoice_comes_with_the_subscription(client, subscription, kinds):
    invoice = client.v1.invoices.retrieve(subscription.latest_invoice)
    assert subscription.status == "active"
    assert (invoice.billing_reason, invoice.status, invoice.amount_paid) == ("subscription_create", "paid", 4900)
    assert kinds()[-5:] == [
        "invoice.created",
        "invoice.finalized",
        "customer.subscription.created",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_objects_have_todays_shape(client, subscription):
    invoice = client.v1.invoices.retrieve(subscription.latest_invoice).to_dict()
    assert invoice["parent"]["subscription_details"]["subscription"] == subscription.id
    assert "subscription" not in invoice
    assert "current_period_start" not in subscription.to_dict()
    assert start_of(subscription) == subscription.created
    assert invoice["lines"]["data"][0]["pricing"]["price_details"]["price"]


def test_a_renewal_moves_the_period_and_is_paid(client, control, subscription):
    control.renew(subscription.id)
    renewed = client.v1.subscriptions.retrieve(subscription.id)
    assert start_of(renewed) > start_of(subscription)
    assert renewed.latest_invoice != subscription.latest_invoice
    paid = last(client, "invoice.paid").data.object
    assert paid["billing_reason"] == "subscription_cycle"
    assert paid["lines"]["data"][0]["period"]["start"] == start_of(renewed)
    assert "items" in last(client, "customer.subscription.updated").data.previous_attributes.to_dict()


@pytest.mark.parametrize("interval", ["month", "year"])
def test_renewals_ahead_of_time_keep_the_anchor_before_every_period(client, control, customer, prices, interval):
    items = [{"price": prices["Team"][interval]}]
    before = client.v1.subscriptions.create({"customer": customer.id, "items": items})
    for _ in range(3):
        control.renew(before.id)
        after = client.v1.subscriptions.retrieve(before.id)
        assert after.billing_cycle_anchor == after.start_date < start_of(before) < start_of(after)
        assert after.created == before.created
        told = last(client, "customer.subscription.updated").data.previous_attributes.to_dict()
        assert told.keys() == {"items", "latest_invoice"}
        assert told["items"]["data"][0]["current_period_end"] == start_of(after)
        before = after


def test_the_first_paid_period_begins_with_the_end_of_the_trial(client, control, customer, prices):
    wanted = {"customer": customer.id, "items": [{"price": prices["Team"]["month"]}], "trial_period_days": 14}
    trial = client.v1.subscriptions.create(wanted)
    control.end_trial(trial.id)
    paying = client.v1.subscriptions.retrieve(trial.id)
    assert start_of(paying) == paying.trial_end == paying.billing_cycle_anchor
    control.renew(trial.id)
    renewed = client.v1.subscriptions.retrieve(trial.id)
    assert start_of(renewed) > renewed.trial_end == renewed.billing_cycle_anchor


def test_a_failed_renewal_is_past_due_until_it_is_paid(client, control, subscription):
    assert control.fail_renewal(subscription.id)["status"] == "past_due"
    failed = last(client, "invoice.payment_failed").data.object
    assert (failed["billing_reason"], failed["attempt_count"], failed["status"]) == ("subscription_cycle", 1, "open")
    assert last(client, "customer.subscription.updated").data.previous_attributes.to_dict() == {"status": "active"}
    assert control.pay(subscription.id)["status"] == "active"
    assert last(client, "invoice.paid").data.object["id"] == failed["id"]


def test_metadata_or_the_control_decides_whether_a_payment_fails(client, control, subscription, customer):
    client.v1.customers.update(customer.id, {"metadata": {"sandbox_payment": "fail"}})
    assert control.renew(subscription.id)["status"] == "past_due"
    client.v1.customers.update(customer.id, {"metadata": {"sandbox_payment": ""}})
    assert control.retry_payment(subscription.id)["status"] == "active"
    control.set_payment(customer.id, succeeds=False)
    assert control.renew(subscription.id)["status"] == "past_due"
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(client.v1.subscriptions.retrieve(subscription.id).latest_invoice)


@pytest.mark.parametrize("outcome", ["canceled", "unpaid", "past_due"])
def test_the_owners_setting_decides_after_the_last_retry(control, account, subscription, outcome):
    control.configure_account(account["id"], retries=3, after_retries=outcome)
    control.fail_renewal(subscription.id)
    control.retry_payment(subscription.id, succeeds=False)
    ended = control.retry_payment(subscription.id, succeeds=False)
    assert ended["status"] == outcome
    assert ended["cancellation_details"]["reason"] == ("payment_failed" if outcome == "canceled" else None)


def test_a_first_payment_that_fails_leaves_the_subscription_incomplete(client, control, customer, prices):
    control.set_payment(customer.id, succeeds=False)
    created = client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": prices["Scale"]["year"]}]})
    assert created.status == "incomplete"
    assert last(client, "invoice.payment_failed").data.object["billing_reason"] == "subscription_create"
    assert control.pay(created.id)["status"] == "active"


def test_a_trial_starts_with_nothing_to_pay(client, control, customer, prices):
    wanted = {"customer": customer.id, "items": [{"price": prices["Team"]["month"]}], "trial_period_days": 14}
    trial = client.v1.subscriptions.create({**wanted, "expand": ["latest_invoice"]})
    assert (trial.status, trial.latest_invoice.amount_due, trial.latest_invoice.status) == ("trialing", 0, "paid")
    assert trial["items"].data[0].current_period_end == trial.trial_end
    control.trial_will_end(trial.id)
    assert last(client, "customer.subscription.trial_will_end").data.object["id"] == trial.id
    assert control.end_trial(trial.id)["status"] == "active"


def test_cancelling_now(client, subscription):
    details = {"cancellation_details": {"comment": "Moving on"}}
    assert client.v1.subscriptions.cancel(subscription.id, details).status == "canceled"
    event = last(client, "customer.subscription.deleted")
    assert event.data.object["cancellation_details"]["reason"] == "cancellation_requested"
    assert event.data.object["cancellation_details"]["comment"] == "Moving on"
    assert event.data.object["ended_at"] <= time.time()
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.subscriptions.cancel(subscription.id)


def test_cancelling_at_the_end_of_the_period_can_be_taken_back(client, control, subscription):
    leaving = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (leaving.status, leaving.cancel_at) == ("active", subscription["items"].data[0].current_period_end)
    assert control.keep(subscription.id)["cancel_at"] is None
    control.cancel(subscription.id, at_period_end=True)
    assert control.end_period(subscription.id)["status"] == "canceled"


def test_a_paused_collection_renews_without_a_payment(client, control, subscription, kinds):
    control.pause(subscription.id)
    control.renew(subscription.id)
    assert kinds()[-1] == "invoice.voided"
    assert control.resume(subscription.id)["pause_collection"] is None
    control.renew(subscription.id)
    assert kinds()[-1] == "invoice.payment_succeeded"


def test_a_change_of_plan_is_no_renewal(client, subscription, prices):
    item = subscription["items"].data[0].id
    change = {"items": [{"id": item, "price": prices["Scale"]["month"]}], "proration_behavior": "always_invoice"}
    client.v1.subscriptions.update(subscription.id, change)
    assert client.v1.subscriptions.retrieve(subscription.id)["items"].data[0].price.id == prices["Scale"]["month"]
    assert last(client, "invoice.paid").data.object["billing_reason"] == "subscription_update"


def test_a_subscription_needs_known_customers_and_recurring_prices(client, customer, prices):
    once = client.v1.prices.create({"currency": "usd", "unit_amount": 5, "product_data": {"name": "Sticker"}})
    for wrong in (
        {"customer": "cus_nobody", "items": [{"price": prices["Team"]["month"]}]},
        {"customer": customer.id, "items": [{"price": "price_none"}]},
        {"customer": customer.id, "items": [{"price": once.id}]},
        {"customer": customer.id},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.subscriptions.create(wrong)


@pytest.fixture
def drafting(control, account):
    control.configure_account(account["id"], draft_seconds=3600)


def test_a_renewals_invoice_is_a_draft_for_an_hour_in_which_nothing_is_paid(
    client, control, subscription, drafting, kinds
):
    control.renew(subscription.id)
    renewed = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert (renewed.status, renewed.latest_invoice.status) == ("active", "draft")
    assert start_of(renewed) > start_of(subscription)
    assert renewed.latest_invoice.automatically_finalizes_at == pytest.approx(time.time() + 3600, abs=5)
    assert kinds()[-2:] == ["invoice.created", "customer.subscription.updated"]
    control.finish_draft(subscription.id)
    assert client.v1.invoices.retrieve(renewed.latest_invoice.id).status == "paid"
    assert kinds()[-3:] == ["invoice.finalized", "invoice.paid", "invoice.payment_succeeded"]


def test_what_was_chosen_for_the_payment_comes_when_the_draft_is_finished(client, control, subscription, drafting):
    assert control.fail_renewal(subscription.id)["status"] == "active"
    assert control.finish_draft(subscription.id)["status"] == "past_due"


def test_a_short_draft_finishes_by_itself(client, control, account, subscription):
    control.configure_account(account["id"], draft_seconds=0.2)
    assert control.fail_renewal(subscription.id)["status"] == "active"
    end = time.monotonic() + 5
    while client.v1.subscriptions.retrieve(subscription.id).status != "past_due":
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_draft_of_a_subscription_that_ended_meanwhile_is_never_charged(client, control, subscription, drafting):
    control.renew(subscription.id)
    control.cancel(subscription.id)
    control.finish_draft(subscription.id)
    invoice = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]}).latest_invoice
    assert (invoice.status, invoice.auto_advance) == ("draft", False)


@pytest.mark.parametrize(
    ("behaviour", "status"), [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")]
)
def test_while_collection_is_paused_a_renewal_looks_active_and_nothing_is_paid(
    client, control, subscription, behaviour, status
):
    control.pause(subscription.id, behaviour)
    control.renew(subscription.id)
    renewed = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert (renewed.status, renewed.latest_invoice.status) == ("active", status)


@pytest.mark.parametrize(
    ("action", "status"), [("void_invoice", "void"), ("write_off_invoice", "uncollectible")], ids=["void", "write off"]
)
def test_an_open_invoice_may_be_given_up_and_the_subscription_goes_on(client, control, subscription, action, status):
    control.fail_renewal(subscription.id)
    assert getattr(control, action)(subscription.id)["status"] == status
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_subscription_is_paused_and_resumed_with_a_new_anchor(client, subscription, kinds):
    paused = client.raw_request("post", f"/v1/subscriptions/{subscription.id}/pause", type="subscription")
    assert json.loads(paused.body)["status"] == "paused"
    assert kinds()[-1] == "customer.subscription.paused"
    resumed = client.v1.subscriptions.resume(subscription.id)
    assert (resumed.status, resumed.billing_cycle_anchor) == ("active", start_of(resumed))


def test_another_interval_moves_the_anchor_to_now(client, subscription, prices):
    items = [{"id": subscription["items"].data[0].id, "price": prices["Team"]["year"]}]
    time.sleep(1 - time.time() % 1)
    changed = client.v1.subscriptions.update(subscription.id, {"items": items})
    assert changed.billing_cycle_anchor == start_of(changed) > subscription.billing_cycle_anchor

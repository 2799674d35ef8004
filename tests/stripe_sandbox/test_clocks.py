import calendar

import pytest
import stripe

DAY = 86400
START = calendar.timegm((2026, 1, 31, 9, 0, 0))


@pytest.fixture
def clock(client):
    return client.v1.test_helpers.test_clocks.create({"frozen_time": START, "name": "a year"})


@pytest.fixture
def subscribe(client, clock, prices):
    def subscribe(**options):
        customer = client.v1.customers.create({"name": "Olive Clockford", "test_clock": clock.id})
        wanted = {"customer": customer.id, "items": [{"price": prices["Starter"]["month"]}], **options}
        return client.v1.subscriptions.create(wanted)

    return subscribe


@pytest.fixture
def advance(client, clock):
    return lambda days: client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": START + days * DAY})


def reasons(client, subscription):
    found = client.v1.invoices.list({"subscription": subscription.id, "limit": 100}).data
    return [(invoice.billing_reason, invoice.status) for invoice in reversed(found)]


def test_advancing_answers_advancing_and_then_stands_ready_at_its_time(client, clock, advance):
    assert advance(1).status == "advancing"
    ready = client.v1.test_helpers.test_clocks.retrieve(clock.id)
    assert (ready.status, ready.frozen_time) == ("ready", START + DAY)
    with pytest.raises(stripe.InvalidRequestError):
        advance(0)


def test_three_months_bring_three_renewals_on_the_last_day_of_the_month(client, subscribe, advance):
    subscription = subscribe()
    advance(91)
    renewed = client.v1.subscriptions.retrieve(subscription.id)
    assert reasons(client, subscription) == [("subscription_create", "paid")] + 3 * [("subscription_cycle", "paid")]
    assert renewed["items"].data[0].current_period_start == calendar.timegm((2026, 4, 30, 9, 0, 0))
    assert renewed["items"].data[0].current_period_end == calendar.timegm((2026, 5, 31, 9, 0, 0))


def test_a_trial_is_announced_three_days_before_its_end_and_then_billed(client, subscribe, advance, kinds):
    subscription = subscribe(trial_period_days=14)
    advance(11)
    assert kinds().count("customer.subscription.trial_will_end") == 1
    assert client.v1.subscriptions.retrieve(subscription.id).status == "trialing"
    advance(15)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert reasons(client, subscription)[-1] == ("subscription_cycle", "paid")
    assert kinds().count("customer.subscription.trial_will_end") == 1


def test_a_trial_without_payment_method_may_pause_and_be_resumed(client, subscribe, advance, kinds):
    settings = {"trial_settings": {"end_behavior": {"missing_payment_method": "pause"}}}
    subscription = subscribe(trial_period_days=7, **settings)
    advance(8)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "paused"
    assert client.v1.subscriptions.resume(subscription.id).status == "active"
    assert {"customer.subscription.paused", "customer.subscription.resumed"} <= set(kinds())


def test_unpaid_renewals_are_tried_again_and_then_the_subscription_ends(client, control, subscribe, advance, kinds):
    subscription = subscribe()
    control.set_payment(subscription.customer, succeeds=False)
    advance(29)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    advance(55)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert kinds().count("invoice.payment_failed") == 4


def test_a_subscription_cancelled_at_period_end_ends_there(client, subscribe, advance):
    subscription = subscribe(cancel_at_period_end=True)
    advance(60)
    ended = client.v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", subscription["items"].data[0].current_period_end)


def test_what_lives_on_a_clock_is_listed_by_clock_or_customer_only(client, clock, subscribe):
    subscription = subscribe()
    assert client.v1.customers.list().data == []
    assert client.v1.subscriptions.list().data == []
    assert len(client.v1.customers.list({"test_clock": clock.id}).data) == 1
    assert len(client.v1.subscriptions.list({"customer": subscription.customer}).data) == 1


def test_deleting_a_clock_deletes_its_customers(client, clock, subscribe, kinds):
    customer = subscribe().customer
    client.v1.test_helpers.test_clocks.delete(clock.id)
    assert client.v1.customers.retrieve(customer).deleted
    assert kinds()[-1] == "customer.deleted"


def test_on_a_clock_too_a_renewal_is_charged_after_its_draft(client, control, account, clock, subscribe):
    control.configure_account(account["id"], draft_seconds=3600)
    subscription = subscribe()
    ends = subscription["items"].data[0].current_period_end
    advance = client.v1.test_helpers.test_clocks.advance
    advance(clock.id, {"frozen_time": ends + 1800})
    assert reasons(client, subscription)[-1] == ("subscription_cycle", "draft")
    advance(clock.id, {"frozen_time": ends + 3600})
    assert reasons(client, subscription)[-1] == ("subscription_cycle", "paid")

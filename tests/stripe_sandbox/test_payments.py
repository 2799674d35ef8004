"""Cards, first payments that fail, and what is added to invoices by hand."""

import time

import pytest
import stripe


def last(client, kind):
    return client.v1.events.list({"type": kind, "limit": 1}).data[0]


@pytest.fixture
def subscribe(client, prices):
    def subscribe(customer, **options):
        items = [{"price": prices["Team"]["month"]}]
        return client.v1.subscriptions.create({"customer": customer.id, "items": items, **options})

    return subscribe


@pytest.fixture
def pays_with(client, customer):
    def give(token):
        card = client.v1.payment_methods.attach(token, {"customer": customer.id})
        settings = {"invoice_settings": {"default_payment_method": card.id}}
        return client.v1.customers.update(customer.id, settings)

    return give


def test_a_test_card_becomes_a_card_of_the_customer(client, customer):
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert (card.card.last4, card.customer) == ("4242", customer.id)
    assert [each.id for each in client.v1.customers.payment_methods.list(customer.id).data] == [card.id]
    assert client.v1.payment_methods.detach(card.id).customer is None
    assert client.v1.customers.payment_methods.list(customer.id).data == []


def test_a_card_may_be_refused_when_it_is_attached(client, customer):
    card = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_chargeDeclined"}})
    with pytest.raises(stripe.CardError):
        client.v1.payment_methods.attach(card.id, {"customer": customer.id})


def test_a_card_may_be_attached_and_fail_at_each_charge(client, control, customer, subscribe, pays_with):
    pays_with("pm_card_visa")
    subscription = subscribe(customer)
    assert subscription.status == "active"
    pays_with("pm_card_chargeCustomerFail")
    assert control.renew(subscription.id)["status"] == "past_due"


def test_a_first_payment_that_never_comes_expires_after_a_day(client, control, customer, subscribe, pays_with, kinds):
    pays_with("pm_card_chargeCustomerFail")
    subscription = subscribe(customer)
    assert subscription.status == "incomplete"
    expired = control.expire(subscription.id)
    assert (expired["status"], expired["ended_at"]) == ("incomplete_expired", pytest.approx(time.time(), abs=5))
    assert kinds()[-2:] == ["invoice.voided", "customer.subscription.updated"]
    assert last(client, "customer.subscription.updated").data.previous_attributes.status == "incomplete"
    assert client.v1.subscriptions.list({"status": "incomplete_expired"}).data[0].id == subscription.id


def test_it_expires_on_a_clock_by_itself(client, prices):
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": int(time.time())})
    failing = {"metadata": {"sandbox_payment": "fail"}, "test_clock": clock.id}
    customer = client.v1.customers.create(failing)
    wanted = {"customer": customer.id, "items": [{"price": prices["Team"]["month"]}]}
    subscription = client.v1.subscriptions.create(wanted)
    client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": clock.frozen_time + 24 * 3600})
    assert client.v1.subscriptions.retrieve(subscription.id).status == "incomplete_expired"


def test_voiding_the_first_invoice_expires_the_subscription(client, customer, subscribe, pays_with):
    pays_with("pm_card_chargeCustomerFail")
    subscription = subscribe(customer)
    client.v1.invoices.void_invoice(subscription.latest_invoice)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "incomplete_expired"


def test_an_error_may_be_wanted_instead_of_an_incomplete_subscription(client, customer, subscribe, pays_with):
    pays_with("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        subscribe(customer, payment_behavior="error_if_incomplete")
    assert client.v1.subscriptions.list({"status": "all"}).data == []


def test_by_choice_nobody_subscribes_without_a_card(client, control, account, customer, subscribe, pays_with):
    control.configure_account(account["id"], needs_payment_method=True)
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        subscribe(customer)
    assert subscribe(customer, payment_behavior="default_incomplete").status == "incomplete"
    assert subscribe(customer, trial_period_days=7).status == "trialing"
    pays_with("pm_card_visa")
    assert subscribe(customer).status == "active"


def test_a_trial_that_is_ended_without_a_card_pauses_where_its_settings_say_so(client, customer, subscribe, kinds):
    settings = {"end_behavior": {"missing_payment_method": "pause"}}
    trial = subscribe(customer, trial_period_days=7, trial_settings=settings)
    assert client.v1.subscriptions.update(trial.id, {"trial_end": "now"}).status == "paused"
    assert kinds()[-1] == "customer.subscription.paused"


def test_pending_items_come_into_an_invoice_when_they_are_asked_for(client, customer):
    item = client.v1.invoice_items.create({"customer": customer.id, "amount": 2000, "currency": "usd"})
    assert client.v1.invoices.create({"customer": customer.id}).amount_due == 0
    wanted = {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    invoice = client.v1.invoices.create(wanted)
    assert (invoice.amount_due, invoice.lines.data[0].parent.invoice_item_details.invoice_item) == (2000, item.id)
    assert client.v1.invoice_items.list({"pending": True}).data == []
    assert client.v1.invoices.pay(invoice.id).status == "paid"


def test_an_item_that_is_added_comes_with_the_renewal_in_its_own_period(client, control, customer, subscription):
    period = {"start": 1_700_000_000, "end": 1_700_086_400}
    client.v1.invoice_items.create({"customer": customer.id, "amount": 500, "currency": "usd", "period": period})
    control.renew(subscription.id)
    added, own = last(client, "invoice.paid").data.object["lines"]["data"]
    assert (added["amount"], added["period"].to_dict()) == (500, period)
    assert own["period"]["start"] > period["end"]


def test_an_item_may_be_added_to_a_draft(client, control, account, customer, subscription):
    control.configure_account(account["id"], draft_seconds=3600)
    renewed = control.renew(subscription.id)
    draft = {"invoice": renewed["latest_invoice"]}
    client.v1.invoice_items.create({"customer": customer.id, "amount": 500, "currency": "usd", **draft})
    assert client.v1.invoices.retrieve(renewed["latest_invoice"]).amount_due == 4900 + 500
    assert last(client, "invoice.updated").data.previous_attributes["amount_due"] == 4900


def test_an_invoice_by_hand_can_be_changed_sent_and_given_up(client, customer, kinds):
    invoice = client.v1.invoices.create({"customer": customer.id, "collection_method": "send_invoice"})
    client.v1.invoices.update(invoice.id, {"metadata": {"foo": "bar"}})
    assert client.v1.invoices.send_invoice(invoice.id).status == "open"
    assert client.v1.invoices.mark_uncollectible(invoice.id).status == "uncollectible"
    assert kinds()[-4:] == ["invoice.updated", "invoice.finalized", "invoice.sent", "invoice.marked_uncollectible"]


def test_an_anchored_subscription_has_a_short_first_period(client, control, customer, subscribe):
    anchor = int(time.time()) + 5 * 86400
    subscription = subscribe(customer, billing_cycle_anchor=anchor)
    item = subscription["items"].data[0]
    assert (item.current_period_end, subscription.billing_cycle_anchor) == (anchor, anchor)
    assert control.renew(subscription.id)["billing_cycle_anchor"] == pytest.approx(time.time(), abs=5)


def test_a_sent_invoice_that_nobody_pays_is_overdue_and_the_subscription_active(
    client, control, customer, subscribe, kinds
):
    subscription = subscribe(customer, collection_method="send_invoice", days_until_due=14)
    control.renew(subscription.id)
    invoice = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]}).latest_invoice
    assert (invoice.status, invoice.due_date) == ("open", pytest.approx(time.time() + 14 * 86400, abs=5))
    assert control.overdue(subscription.id)["status"] == "active"
    assert kinds()[-1] == "invoice.overdue"


def test_on_a_clock_a_sent_invoice_becomes_overdue_by_itself(client, prices, kinds):
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": int(time.time())})
    customer = client.v1.customers.create({"test_clock": clock.id})
    wanted = {"customer": customer.id, "items": [{"price": prices["Team"]["year"]}]}
    client.v1.subscriptions.create({**wanted, "collection_method": "send_invoice", "days_until_due": 14})
    client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": clock.frozen_time + 20 * 86400})
    assert kinds().count("invoice.overdue") == 1

import pytest
import stripe


def test_a_customer_carries_what_an_application_should_not_keep(client):
    details = {
        "email": "fern@example.com",
        "phone": "+15550100",
        "address": {"city": "Samplewick", "line1": "1 Mock Row"},
    }
    details |= {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    customer = client.v1.customers.create({"name": "Fern Mossfield", **details})
    assert customer.email == "fern@example.com"
    assert customer.address.city == "Samplewick"
    assert customer.address.country is None
    card = client.v1.payment_methods.retrieve(customer.invoice_settings.default_payment_method)
    assert (card.card.last4, card.customer) == ("4242", customer.id)
    assert customer.balance == 0


def test_a_change_makes_an_event_with_what_was_before(client, customer):
    client.v1.customers.update(customer.id, {"name": "Hazel Newname", "metadata": {"tier": "gold"}})
    event = client.v1.events.list({"limit": 1}).data[0]
    assert event.type == "customer.updated"
    assert event.data.object["name"] == "Hazel Newname"
    assert event.data.previous_attributes.to_dict() == {"name": "Hazel Testford", "metadata": {"tier": None}}
    assert event.request.id.startswith("req_")
    assert event.api_version == stripe.api_version


def test_a_change_of_nothing_makes_no_event(client, customer, kinds):
    client.v1.customers.update(customer.id, {"name": "Hazel Testford"})
    assert kinds() == ["customer.created"]


def test_metadata_is_merged_and_an_empty_value_removes_its_key(client, customer):
    client.v1.customers.update(customer.id, {"metadata": {"a": "1", "b": "2"}})
    client.v1.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}})
    assert client.v1.customers.retrieve(customer.id).metadata.to_dict() == {"b": "2", "c": "3"}


def test_a_deleted_customer_loses_its_subscriptions_and_answers_as_deleted(client, subscription, customer, kinds):
    assert client.v1.customers.delete(customer.id).deleted
    assert client.v1.customers.retrieve(customer.id).deleted
    assert client.v1.customers.list().data == []
    assert client.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert kinds()[-2:] == ["customer.subscription.deleted", "customer.deleted"]


def test_products_and_prices_are_made_and_changed(client, kinds):
    product = client.v1.products.create({"name": "Workshop"})
    price = client.v1.prices.create(
        {"product": product.id, "currency": "eur", "unit_amount": 900, "recurring": {"interval": "month"}}
    )
    client.v1.products.update(product.id, {"name": "Workshop Plus"})
    client.v1.prices.update(price.id, {"nickname": "Monthly", "active": False})
    assert price.recurring.interval_count == 1
    assert client.v1.prices.list({"product": product.id, "active": True}).data == []
    assert kinds() == ["product.created", "price.created", "product.updated", "price.updated"]


def test_a_price_can_bring_its_product(client):
    price = client.v1.prices.create({"currency": "usd", "unit_amount": 5, "product_data": {"name": "Sticker"}})
    assert client.v1.products.retrieve(price.product).name == "Sticker"
    assert price.type == "one_time"


def test_what_is_missing_is_named(client):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.prices.create({"currency": "usd", "unit_amount": 5})
    assert caught.value.code == "parameter_missing"
    assert caught.value.param == "product"


def test_the_same_idempotency_key_creates_once(client):
    first = client.v1.customers.create({"name": "Iris Onceville"}, {"idempotency_key": "one"})
    again = client.v1.customers.create({"name": "Iris Onceville"}, {"idempotency_key": "one"})
    assert first.id == again.id
    assert len(client.v1.customers.list().data) == 1


def test_an_invoice_by_hand_is_no_renewal(client, customer, kinds):
    draft = client.v1.invoices.create({"customer": customer.id})
    client.v1.invoices.finalize_invoice(draft.id)
    paid = client.v1.invoices.pay(draft.id)
    assert (paid.status, paid.billing_reason, paid.parent) == ("paid", "manual", None)
    assert kinds()[-3:] == ["invoice.finalized", "invoice.paid", "invoice.payment_succeeded"]

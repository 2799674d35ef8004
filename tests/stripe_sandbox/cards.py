"""Stripe's test cards: tokens and numbers (docs.stripe.com/testing, checked 2026-11-27), and who pays with which."""

from . import billing_objects, errors, events

# Test tokens without their pm_card_ or tok_: brand, last four digits, what happens.
CARDS = {
    "visa": ("visa", "4242", None),
    "mastercard": ("mastercard", "4444", None),
    "amex": ("amex", "8431", None),
    "threeDSecure2Required": ("visa", "3220", "confirm"),  # a charge waits until the customer has confirmed it
    "chargeCustomerFail": ("visa", "0341", "charge"),  # it can be attached, and every charge is declined
    "chargeDeclined": ("visa", "0002", "attach"),
    "chargeDeclinedInsufficientFunds": ("visa", "9995", "attach"),
}
BY_NUMBER = {
    "4242424242424242": "visa",
    "5555555555554444": "mastercard",
    "4000000000000341": "chargeCustomerFail",
    "4000000000000002": "chargeDeclined",
    "4000000000009995": "chargeDeclinedInsufficientFunds",
}


def card_of(token):
    """The card that a test token stands for; None for any other identifier."""
    return CARDS.get(token.removeprefix("pm_card_").removeprefix("tok_"))


def make(store, token, moment):
    brand, last4, fails = card_of(token)
    obj = billing_objects.payment_method(store.new_id("pm"), moment, store.livemode, brand, last4)
    if fails:
        store.failing_methods[obj["id"]] = fails
    return store.payment_methods.add(obj)


def attached(store, ident, customer):
    """A test token becomes a card of its own."""
    if card_of(ident) is not None:
        obj = make(store, ident, store.now(customer))
    elif ident in store.payment_methods:
        obj = store.payment_methods.get(ident)
    else:
        raise errors.no_such("PaymentMethod", ident, param="payment_method")
    if obj["card"]["last4"] in [last4 for _, last4, fails in CARDS.values() if fails == "attach"]:
        raise errors.declined()
    obj["customer"] = customer["id"]
    store.payment_methods.save(obj)
    events.emit(store, "payment_method.attached", obj)
    return obj


def default_of(store, subscription, customer):
    """What Stripe would charge: the subscription's own, the customer's default, or the customer's source."""
    own = subscription and subscription["default_payment_method"]
    return own or customer["invoice_settings"]["default_payment_method"] or customer["default_source"]

"""Thin events: Stripe says which object has changed, and mani asks for it, with a GET and the key's permissions.

They are the most private way in, since nothing about a person is sent.
Source: docs.stripe.com/event-destinations, "Thin events"; of v1 resources their types begin with `v1.`.
"""

import time
from dataclasses import replace

from manimod.errors import ManimodError
from manimod.stripe import payloads
from manimod.stripe.gateway import PermissionRefused, StripeGateway
from manimod.stripe.payloads import CustomerFacts, EventFacts

NO_PERMISSION = "the key may not read "
READERS = {
    "customer": payloads.read_customer,
    "subscription": payloads.read_subscription,
    "invoice": payloads.read_invoice,
}


def fetch(gateway: StripeGateway, event: EventFacts) -> EventFacts:
    """The event with its object, as the object is now. Raises ManimodError."""
    name = payloads.expected_object(event.type)
    if name is None or event.related_id is None or event.wrong_object:
        return replace(event, fetched=event.created)
    if event.type == "customer.deleted":
        return replace(event, fetched=event.created, customer=CustomerFacts(event.related_id, deleted=True))
    asked_at = int(time.time())
    facts = READERS[name](gateway.object(name, event.related_id))
    return replace(event, fetched=max(asked_at, event.created), **{name: facts})


def why_not_fetched(event: EventFacts, failure: ManimodError) -> str | None:
    """Why the object will never be known; None for a failure that passes."""
    name = payloads.expected_object(event.type)
    if isinstance(failure, PermissionRefused):
        return f"{NO_PERMISSION}{name}s: the permission {name.capitalize()}s: Read lets mani see what changed"
    if failure.code == "STRIPE_NOT_FOUND":
        return f"Stripe no longer has this {name}"
    return None

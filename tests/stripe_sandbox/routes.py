"""Which request does what, and which permission a restricted key needs for it.

Permission names: rak_... as Stripe's dashboard links and 403 messages use them, checked 2026-11-22; the one for test
clocks (rak_billing_clock) is a guess, everything else is documented or was seen.
"""

import json
import re
import traceback
from dataclasses import dataclass, field, replace

from . import (
    clocks,
    errors,
    expand,
    invoice_actions,
    invoice_items,
    lists,
    params,
    payment_methods,
    permissions,
    resources,
    subscriptions,
    thin,
)
from .collection import dump
from .permissions import READ, WRITE


@dataclass
class Call:
    """One authenticated request to one store."""

    store: object
    method: str
    path: str
    params: dict
    ident: str | None = None

    def with_params(self, given):
        return replace(self, params=given)

    def with_ident(self, ident):
        return replace(self, ident=ident, params={})


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict = field(default_factory=dict)


def the_events(call):
    params.only(call.params, ())
    return resources.existing(call.store, "events", call.ident)


def thin_event(call):
    snapshot = call.store.universe.deliveries.snapshots.get(call.ident, call.ident)
    return thin.whole(resources.existing(call.store, "events", snapshot), call.ident)


VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.\w+)?")
CLOCKS = "/v1/test_helpers/test_clocks"
TABLE = [
    ("GET", "/v1/account", "accounts_kyc_basic", resources.show_account),
    ("GET", "/v1/customers", "customer", lists.customers),
    ("POST", "/v1/customers", "customer", resources.create_customer),
    ("GET", "/v1/customers/{id}", "customer", resources.retrieve("customers")),
    ("POST", "/v1/customers/{id}", "customer", resources.update("customers")),
    ("DELETE", "/v1/customers/{id}", "customer", resources.delete_customer),
    ("GET", "/v1/customers/{id}/payment_methods", "payment_method", payment_methods.of_customer),
    ("GET", "/v1/payment_methods", "payment_method", lists.plain("payment_methods", ("customer", "type"))),
    ("POST", "/v1/payment_methods", "payment_method", payment_methods.create),
    ("GET", "/v1/payment_methods/{id}", "payment_method", resources.retrieve("payment_methods")),
    ("POST", "/v1/payment_methods/{id}/attach", "payment_method", payment_methods.attach),
    ("POST", "/v1/payment_methods/{id}/detach", "payment_method", payment_methods.detach),
    ("GET", "/v1/products", "product", lists.plain("products", booleans=("active",))),
    ("POST", "/v1/products", "product", resources.create_product),
    ("GET", "/v1/products/{id}", "product", resources.retrieve("products")),
    ("POST", "/v1/products/{id}", "product", resources.update("products")),
    ("DELETE", "/v1/products/{id}", "product", resources.delete("products")),
    ("GET", "/v1/prices", "plan", lists.plain("prices", ("product", "type", "currency"), ("active",))),
    ("POST", "/v1/prices", "plan", resources.create_price),
    ("GET", "/v1/prices/{id}", "plan", resources.retrieve("prices")),
    ("POST", "/v1/prices/{id}", "plan", resources.update("prices")),
    ("GET", "/v1/subscriptions", "subscription", lists.subscriptions),
    ("POST", "/v1/subscriptions", "subscription", subscriptions.create),
    ("GET", "/v1/subscriptions/{id}", "subscription", resources.retrieve("subscriptions")),
    ("POST", "/v1/subscriptions/{id}", "subscription", subscriptions.update),
    ("DELETE", "/v1/subscriptions/{id}", "subscription", subscriptions.cancel),
    ("POST", "/v1/subscriptions/{id}/pause", "subscription", subscriptions.pause),
    ("POST", "/v1/subscriptions/{id}/resume", "subscription", subscriptions.resume),
    ("GET", "/v1/invoiceitems", "invoice", invoice_items.listing),
    ("POST", "/v1/invoiceitems", "invoice", invoice_items.create),
    ("GET", "/v1/invoiceitems/{id}", "invoice", resources.retrieve("invoice_items")),
    ("DELETE", "/v1/invoiceitems/{id}", "invoice", resources.delete("invoice_items")),
    ("GET", "/v1/invoices", "invoice", lists.plain("invoices", lists.INVOICE_FILTERS)),
    ("POST", "/v1/invoices", "invoice", invoice_actions.create),
    ("GET", "/v1/invoices/{id}", "invoice", resources.retrieve("invoices")),
    ("POST", "/v1/invoices/{id}", "invoice", invoice_actions.update),
    ("DELETE", "/v1/invoices/{id}", "invoice", invoice_actions.delete),
    ("POST", "/v1/invoices/{id}/send", "invoice", invoice_actions.send),
    ("POST", "/v1/invoices/{id}/finalize", "invoice", invoice_actions.finalise),
    ("POST", "/v1/invoices/{id}/pay", "invoice", invoice_actions.pay),
    ("POST", "/v1/invoices/{id}/void", "invoice", invoice_actions.void),
    ("POST", "/v1/invoices/{id}/mark_uncollectible", "invoice", invoice_actions.write_off),
    ("GET", "/v1/events", "event", lists.list_events),
    ("GET", "/v1/events/{id}", "event", the_events),
    ("GET", "/v2/core/events/{id}", "event", thin_event),
    ("GET", "/v1/webhook_endpoints", "webhook", lists.plain("webhook_endpoints")),
    ("POST", "/v1/webhook_endpoints", "webhook", resources.create_endpoint),
    ("GET", "/v1/webhook_endpoints/{id}", "webhook", resources.retrieve("webhook_endpoints")),
    ("POST", "/v1/webhook_endpoints/{id}", "webhook", resources.update_endpoint),
    ("DELETE", "/v1/webhook_endpoints/{id}", "webhook", resources.delete_endpoint),
    ("GET", CLOCKS, "billing_clock", lists.plain("test_clocks")),
    ("POST", CLOCKS, "billing_clock", clocks.create),
    ("GET", CLOCKS + "/{id}", "billing_clock", resources.retrieve("test_clocks")),
    ("POST", CLOCKS + "/{id}/advance", "billing_clock", clocks.advance),
    ("DELETE", CLOCKS + "/{id}", "billing_clock", clocks.delete),
]
ROUTES = [
    (method, re.compile(address.replace("{id}", "([^/]+)")), address, resource, action)
    for method, address, resource, action in TABLE
]


def answer(universe, method, path, query, headers, body) -> tuple[Answer, dict]:
    """The answer, and what the request log keeps of the caller."""
    caller = {}
    request_id = universe.ids.new("req")
    try:
        reply = handle(universe, method, path, query, headers, body, request_id, caller)
    except errors.StripeError as error:
        reply = Answer(error.status, error.body(), error.headers)
    except Exception:
        # A flaw of the sandbox, or parameters that it cannot read: the caller gets an answer, and we get to see it.
        traceback.print_exc()
        reply = Answer(500, errors.server_fault().body())
    reply.headers = {"Request-Id": request_id, **reply.headers}
    return reply, {**caller, "status": reply.status, "request_id": request_id}


def handle(universe, method, path, query, headers, body, request_id, caller):
    key = permissions.authenticate(universe, headers.get("Authorization"))
    caller |= {"account": key.account_id, "livemode": key.livemode, "key_kind": key.kind}
    check_version(headers.get("Stripe-Version"))
    address, resource, action, ident = match(method, path)
    universe.faults.limit((key.account_id, key.livemode, method, address))
    store = universe.accounts[key.account_id].stores[key.livemode]
    access = READ if method == "GET" else WRITE
    permissions.authorise(key, resource, access, store.settings.permission_wording)
    idempotency = headers.get("Idempotency-Key") if method == "POST" else None
    remembered = (key.account_id, key.livemode, path, idempotency)
    if idempotency and remembered in universe.answers:
        return Answer(200, universe.answers[remembered], {"Idempotent-Replayed": "true"})
    call = Call(store, method, path, params.decode(body if method == "POST" else query), ident)
    with store.serving({"id": request_id, "idempotency_key": idempotency}):
        content = rendered(store, action(call), params.strings(call.params, "expand"))
    if idempotency:
        universe.answers[remembered] = content
    return Answer(200, content, {"Stripe-Version": headers.get("Stripe-Version", "")})


def check_version(version):
    if version and not VERSION.fullmatch(version):
        raise errors.StripeError(400, f"Invalid Stripe API version: {version}")


def match(method, path):
    for wanted, pattern, address, resource, action in ROUTES:
        found = wanted == method and pattern.fullmatch(path)
        if found:
            return address, resource, action, found.group(1) if found.groups() else None
    raise errors.no_such_address(method, path)


def rendered(store, result, expansions) -> bytes:
    if isinstance(result, lists.Page):
        if not expansions:
            return result.body()
        result = json.loads(result.body())
    return dump(expand.expand(store, result, expansions) if expansions else result)

"""The only door to Stripe: GET requests and the check of webhook signatures. Answers come out minimised.

Nothing here can write to Stripe: there is one way out, `_get`. Errors of Stripe become failures of
`manimod.errors`; Stripe's own words are never passed on, because they may repeat the key.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
import stripe

from manimod.errors import ManimodError
from manimod.stripe.payloads import (
    MinimisedEvent,
    NotAnEvent,
    Reader,
    minimise,
    read_customer,
    read_price,
    read_subscription,
)

TIMEOUT_SECONDS = 10
SIGNATURE_TOLERANCE_SECONDS = 300
PAGE_SIZE = 100  # Stripe's largest page
RESTRICTED_KEY_PAGE = "https://dashboard.stripe.com/apikeys/create?name=mani"

stripe.enable_telemetry = False


@dataclass(frozen=True)
class Permission:
    """One thing a restricted key may read. `scope` is Stripe's id, `label` its name in Stripe's dashboard."""

    scope: str
    label: str
    address: str
    required: bool
    adds: str


PERMISSIONS = {
    "customers": Permission("rak_customer_read", "Customers: Read", "/v1/customers", True, "who is new and who left"),
    "subscriptions": Permission(
        "rak_subscription_read", "Subscriptions: Read", "/v1/subscriptions", True, "tiers, renewals and cancellations"
    ),
    "events": Permission("rak_event_read", "Events: Read", "/v1/events", False, "creatives even without a webhook"),
    "products": Permission("rak_product_read", "Products: Read", "/v1/products", False, "your tiers by their names"),
    "prices": Permission("rak_plan_read", "Prices: Read", "/v1/prices", False, "the order of your tiers"),
    "account": Permission(
        "rak_accounts_kyc_basic_read", "Account details: Read", "/v1/account", False, "your Stripe account's name"
    ),
}


@dataclass(frozen=True)
class Probe:
    """What a key may read, and whose it is."""

    permissions: dict[str, bool]
    account_id: str | None
    account_name: str | None

    def require(self) -> None:
        """Raises ManimodError unless the key may read all that mani cannot do without."""
        missing = [p.label for name, p in PERMISSIONS.items() if p.required and not self.permissions[name]]
        if missing:
            raise ManimodError("STRIPE_PERMISSION_MISSING", permissions=" and ".join(missing))


PageRow = TypeVar("PageRow")


@dataclass(frozen=True)
class Page:
    """One page of a list: `rows` minimised, and the cursor of the next page, None at the end."""

    rows: list
    next_cursor: str | None


class Transport(stripe.RequestsClient):
    """stripe-python's own transport. A good answer is kept back: the SDK would build an object of its every field."""

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._kept = threading.local()

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> tuple[bytes, int, Any]:
        body, status, answer_headers = super().request(method, url, headers, post_data)
        self._kept.body = body
        return b"{}" if 200 <= status < 300 else body, status, answer_headers

    def answer(self) -> Any:
        """The JSON of this thread's last answer. Raises ValueError or RecursionError."""
        return _read_json(self._kept.body)


def _read_json(body: bytes) -> Any:
    """Raises ValueError or RecursionError."""
    try:
        return orjson.loads(body)
    except ValueError:  # stricter than Stripe: a name may hold half a surrogate pair
        return json.loads(body)


@dataclass
class StripeGateway:
    """One account's Stripe, read with its key."""

    api_key: str = field(repr=False)
    api_base: str
    timeout: float = TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        self._transport = Transport(self.timeout)
        self._client = stripe.StripeClient(
            self.api_key,
            base_addresses={"api": self.api_base},
            max_network_retries=0,
            http_client=self._transport,
        )

    def probe(self) -> Probe:
        """Try each permission with a small real request. Raises ManimodError where the key itself is refused."""
        with ThreadPoolExecutor(len(PERMISSIONS)) as pool:
            answers = dict(zip(PERMISSIONS, pool.map(self._try, PERMISSIONS.values()), strict=True))
        granted = {name: answer.data is not None for name, answer in answers.items()}
        account = Reader(answers["account"].data)
        refused_account = next((a.account_id for a in answers.values() if a.account_id), None)
        return Probe(granted, account.identifier("id") or refused_account, _account_name(account))

    def customers(self, cursor: str | None = None) -> Page:
        """A page of CustomerFacts, newest first."""
        return self._page("/v1/customers", cursor, read_customer)

    def subscriptions(self, cursor: str | None = None) -> Page:
        """A page of SubscriptionFacts of every status, newest first."""
        return self._page("/v1/subscriptions", cursor, read_subscription, status="all")

    def prices(self, cursor: str | None = None, with_products: bool = False) -> Page:
        """A page of PriceFacts; with their products' names where the key may read products."""
        expand = {"expand": ["data.product"]} if with_products else {}
        return self._page("/v1/prices", cursor, read_price, **expand)

    def events(self, types: tuple[str, ...], since: int, cursor: str | None = None) -> Page:
        """A page of MinimisedEvent of the types, created at or after `since` (Unix seconds), newest first."""
        return self._page("/v1/events", cursor, _read_event, types=list(types), created={"gte": since})

    def product_name(self, product_id: str) -> str | None:
        return Reader(self._get(f"/v1/products/{product_id}")).text("name")

    def has_customer(self, customer_id: str) -> bool:
        """False only where Stripe says that the customer was deleted or never was."""
        try:
            return not Reader(self._get(f"/v1/customers/{customer_id}")).flag("deleted")
        except ManimodError as failure:
            return failure.code != "STRIPE_NOT_FOUND"

    def _page(
        self, address: str, cursor: str | None, read: Callable[[Reader], PageRow | None], **parameters: Any
    ) -> Page:
        after = {"starting_after": cursor} if cursor else {}
        answer = self._get(address, limit=PAGE_SIZE, **after, **parameters)
        reader = Reader(answer)
        if not isinstance(reader.raw("data"), list):
            raise ManimodError("STRIPE_FAILED")  # whoever answered, an empty list would erase every customer
        members = list(reader.each("data"))
        rows = [row for row in map(read, members) if row]
        if not reader.flag("has_more"):
            return Page(rows, None)
        next_cursor = members[-1].identifier("id") if members else None
        if next_cursor in (None, cursor):
            raise ManimodError("STRIPE_FAILED")  # a list that cannot be read to its end, or has none
        return Page(rows, next_cursor)

    def _try(self, permission: Permission) -> "_Answer":
        try:
            parameters = {} if permission.address == "/v1/account" else {"limit": 1}
            return _Answer(data=self._get(permission.address, **parameters))
        except _Refused as refusal:
            return _Answer(account_id=refusal.account_id)

    def _get(self, address: str, **parameters: Any) -> Any:
        try:
            self._client.raw_request("get", address, **parameters)
            return self._transport.answer()
        except stripe.StripeError as error:
            raise _translate(error) from None
        except (ValueError, RecursionError):
            raise ManimodError("STRIPE_FAILED") from None


def _read_event(reader: Reader) -> MinimisedEvent | None:
    try:
        return minimise(reader.data)
    except NotAnEvent:
        return None


@dataclass(frozen=True)
class _Answer:
    data: Any = None
    account_id: str | None = None


class _Refused(ManimodError):
    """403: the key lacks the permission that Stripe names; the refusal may name the account."""

    def __init__(self, message: str) -> None:
        scope = re.search(r"'(rak_\w+)'", message)
        account = re.search(r"\b(acct_\w+)", message)
        self.account_id = account[1] if account else None
        label = next((p.label for p in PERMISSIONS.values() if scope and p.scope == scope[1]), "a read permission")
        super().__init__("STRIPE_PERMISSION_MISSING", permissions=label)


def _translate(error: stripe.StripeError) -> ManimodError:
    message = str(error.user_message or "")
    if isinstance(error, stripe.AuthenticationError):
        if "api_key_expired" in (error.code, getattr(error.error, "code", None)):
            return ManimodError("STRIPE_KEY_EXPIRED")
        return ManimodError("STRIPE_KEY_ADDRESS" if "IP address" in message else "STRIPE_KEY_REJECTED")
    if isinstance(error, stripe.PermissionError):
        return _Refused(message)
    if isinstance(error, stripe.RateLimitError) or error.http_status == 429:
        return ManimodError("STRIPE_RATE_LIMITED")
    if isinstance(error, stripe.APIConnectionError):
        return ManimodError("STRIPE_UNREACHABLE", seconds=TIMEOUT_SECONDS)
    return ManimodError("STRIPE_NOT_FOUND" if error.http_status == 404 else "STRIPE_FAILED")


def _account_name(account: Reader) -> str | None:
    """What the account calls itself. Stripe API reference, Account object."""
    return account.inside("settings").inside("dashboard").text("display_name") or account.inside(
        "business_profile"
    ).text("name")


def restricted_key_link() -> str:
    """Stripe's page for a new restricted key, with mani's permissions already ticked."""
    return RESTRICTED_KEY_PAGE + "".join(f"&permissions[]={permission.scope}" for permission in PERMISSIONS.values())


def verify(body: bytes, signature: str | None, secrets: list[str], now: float | None = None) -> MinimisedEvent:
    """The event in a webhook's raw body, once its signature and its time have been checked.

    Raises ManimodError WEBHOOK_BAD_SIGNATURE, WEBHOOK_STALE or WEBHOOK_NOT_AN_EVENT.
    """
    if not any(_is_signed(body, signature, secret) for secret in secrets):
        raise ManimodError("WEBHOOK_BAD_SIGNATURE")
    # stripe-python only refuses signatures from the past; one from the future would stay valid for years.
    skew = int((time.time() if now is None else now) - _signed_at(signature or ""))
    if abs(skew) > SIGNATURE_TOLERANCE_SECONDS:
        raise ManimodError("WEBHOOK_STALE", skew=skew)
    try:
        return minimise(_read_json(body))
    except (NotAnEvent, ValueError, RecursionError):
        raise ManimodError("WEBHOOK_NOT_AN_EVENT") from None


def _signed_at(signature: str) -> int:
    """The time that was signed: the header's first `t`, which is the one that stripe-python verifies."""
    times = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    return int(times[0]) if times and times[0].isascii() and times[0].isdigit() else 0


def _is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    if not (signature or "").isascii():
        return False  # stripe-python cannot compare it
    try:
        return stripe.WebhookSignature.verify_header(body, signature, secret, tolerance=None)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False

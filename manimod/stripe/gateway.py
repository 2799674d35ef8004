"""Reads Stripe: GET requests and the check of webhook signatures. Answers come out minimised.

Nothing here can write to Stripe: every request goes through `_get`. Errors of Stripe become failures of
`manimod.errors`; Stripe's own words are never passed on, because they may repeat the key.
"""

import json
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
import stripe

from manimod.config import CALLS_FROM, KEY_CHECK_TIMEOUT, STRIPE_TIMEOUT
from manimod.errors import ManimodError
from manimod.models.accounts import now
from manimod.stripe import catalogue, payloads
from manimod.stripe.payloads import CustomerFacts, EventFacts, InvoiceFacts, MinimisedEvent, NotAnEvent
from manimod.stripe.reader import DeadlineAdapter, Reader, parse

SIGNATURE_TOLERANCE_SECONDS = 300
LATEST_INVOICES = 5  # the draft of a new period, the unpaid one before it, and those that were added
PAGE_SIZE = 100  # Stripe's largest page
NO_PERMISSION = "the key may not read "
FAILURES_BY_STATUS = {401: "STRIPE_KEY_REJECTED", 404: "STRIPE_NOT_FOUND", 429: "STRIPE_RATE_LIMITED"}

stripe.enable_telemetry = False


@dataclass(frozen=True)
class Permission:
    """One table of permissions.toml: what a restricted key may read."""

    scope: str
    label: str
    required: bool
    adds: str


TABLE = tomllib.loads(Path(__file__).with_name("permissions.toml").read_text(encoding="utf-8"))
PERMISSIONS = {name: Permission(**row) for name, row in TABLE.items()}


DASHBOARD = "https://dashboard.stripe.com/"


def restricted_key_link(required_only: bool = False) -> str:
    """Stripe's page for a new restricted key, with mani's permissions already ticked."""
    link = f"{DASHBOARD}apikeys/create?name=mani"
    for permission in PERMISSIONS.values():
        if permission.required or not required_only:
            link += f"&permissions[]={permission.scope}"
    return link


def missing_permissions(granted: dict[str, bool]) -> str:
    """The required permissions that a key lacks, by their names in Stripe's dashboard; empty if it has all."""
    return " and ".join(entry.label for name, entry in PERMISSIONS.items() if entry.required and not granted.get(name))


@dataclass(frozen=True)
class Probe:
    """What a key may read, and whose it is. `not_asked`: the permissions that Stripe gave no answer about.

    `asked_at` is when, by Stripe's clock. `edit_link` is Stripe's page of the key, where it has refused something;
    `profile` is that of the account.
    """

    permissions: dict[str, bool]
    account_id: str | None
    account_name: str | None
    asked_at: datetime = field(default_factory=now)
    not_asked: list[str] = field(default_factory=list)
    edit_link: str | None = None
    profile: dict[str, str] = field(default_factory=dict)

    def require(self) -> None:
        """Raises STRIPE_PERMISSION_MISSING unless the key may read everything that mani requires."""
        missing = missing_permissions(self.permissions)
        if missing:
            raise ManimodError("STRIPE_PERMISSION_MISSING", permissions=missing, edit_link=self.edit_link)


@dataclass(frozen=True)
class Page:
    """One page of a list: `rows` minimised, the cursor of the next page, None at the end, and when it was asked
    for, by Stripe's clock.
    """

    rows: list
    next_cursor: str | None
    asked_at: datetime


class PermissionRefused(ManimodError):
    """403: the key lacks the permission that Stripe names. The message may also name the account and the key's page."""

    def __init__(self, message: str) -> None:
        scope = re.search(r"'(?:rak_)?(\w+_(?:read|write))'", message)  # 'rak_plan_read', and since 2026 'plan_read'
        account = re.search(r"\b(acct_\w+)", message)
        link = re.search(rf"{re.escape(DASHBOARD)}[\w/?&=%.-]{{1,300}}(?<!\.)(?=\.?(?:\s|$))", message)
        self.account_id = account and account[1]
        self.edit_link = link and link[0]
        if link and re.search(r"[rs]k_(?:live|test)_", link[0]):
            self.edit_link = None
        label = "a read permission"
        for permission in PERMISSIONS.values():
            if scope and permission.scope == f"rak_{scope[1]}":
                label = permission.label
        super().__init__("STRIPE_PERMISSION_MISSING", permissions=label)


class BodyClient(stripe.RequestsClient):
    """Hands an answer's body over unparsed, as a header: the library parses it at a tenth of orjson's speed, and writes
    all of it into a line of its log. The whole answer has to arrive within `timeout` seconds.
    """

    HEADER = "Mani-Body"

    def __init__(self, timeout: float) -> None:
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, DeadlineAdapter())
        super().__init__(timeout, session)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        body, status, answered = super().request(method, url, headers, post_data)
        if not 200 <= status < 300:
            return body, status, answered
        answered[self.HEADER] = body
        return b"{}", status, answered


@dataclass
class StripeGateway:
    """One account's Stripe, read with its key."""

    api_key: str = field(repr=False)
    api_base: str
    timeout: float = STRIPE_TIMEOUT
    count: Callable[[], None] | None = None  # is called for each request
    calls_from: str = CALLS_FROM  # for the failure of a key that is limited to IP addresses

    def __post_init__(self) -> None:
        self._client = stripe.StripeClient(
            self.api_key,
            base_addresses={"api": self.api_base},
            max_network_retries=0,
            http_client=BodyClient(self.timeout),
        )

    def probe(self) -> Probe:
        """Try all permissions side by side, while a person waits. Raises ManimodError if the key itself is refused.

        Of the required lists every other failure is raised too; what is optional counts as not asked.
        """
        hasty = replace(self, timeout=min(self.timeout, KEY_CHECK_TIMEOUT))
        with ThreadPoolExecutor(len(PERMISSIONS)) as pool:
            answers = {}
            for name in PERMISSIONS:
                parameters = {} if name == "account" else {"limit": 1}
                answers[name] = pool.submit(hasty._get, f"/v1/{name}", **parameters)
        permissions, not_asked, account = {}, [], Reader(None)
        account_id, edit_link, asked_at = None, None, now()
        for name, answer in answers.items():
            try:
                data, asked_at = answer.result()
                found = Reader(data)
                permissions[name] = True
                if name == "account":
                    account = found
            except PermissionRefused as refusal:
                permissions[name] = False
                account_id = account_id or refusal.account_id
                edit_link = edit_link or refusal.edit_link
            except ManimodError as failure:
                if PERMISSIONS[name].required or refuses_key(failure):
                    raise
                not_asked.append(name)
        name = account.inside("settings", "dashboard").text("display_name")
        name = name or account.inside("business_profile").text("name")
        account_id, profile = account.whole_text("id", 64) or account_id, catalogue.read_profile(account)
        return Probe(permissions, account_id, name, asked_at, not_asked, edit_link, profile)

    def customers(self, cursor: str | None = None, **filters: Any) -> Page:
        """A page of CustomerFacts, newest first."""
        return self._page("/v1/customers", cursor, payloads.read_customer, **filters)

    def subscriptions(self, cursor: str | None = None, **filters: Any) -> Page:
        """A page of SubscriptionFacts, newest first; without filters those of every status."""
        return self._page("/v1/subscriptions", cursor, payloads.read_subscription, **filters or {"status": "all"})

    def prices(self, cursor: str | None = None, with_products: bool = False) -> Page:
        """A page of recurring prices, archived ones too: each as PriceFacts with ProductFacts.

        The product is None unless the key may read products, as `with_products` says.
        """
        expand = {"expand": ["data.product"]} if with_products else {}
        return self._page("/v1/prices", cursor, catalogue.read_price_and_product, type="recurring", **expand)

    def products(self, cursor: str | None = None) -> Page:
        """A page of ProductFacts, archived ones too."""
        return self._page("/v1/products", cursor, catalogue.read_product)

    def invoices(self, subscription_id: str) -> list[InvoiceFacts]:
        """A subscription's latest invoices, newest first."""
        data, _ = self._get("/v1/invoices", subscription=subscription_id, limit=LATEST_INVOICES)
        found = map(payloads.read_invoice, Reader(data).each("data"))
        return [invoice for invoice in found if invoice.id and invoice.customer]

    def events(self, types: tuple[str, ...], since: int, cursor: str | None = None) -> Page:
        """A page of MinimisedEvent of the types, created at or after `since` (Unix seconds), newest first."""
        parameters = {"types": list(types), "created": {"gte": since}}
        return self._page("/v1/events", cursor, lambda reader: payloads.minimise(reader.data), **parameters)

    def object(self, name: str, object_id: str) -> tuple[Reader, datetime]:
        """A customer, subscription, invoice or product, and when it was asked for. Raises ManimodError."""
        data, asked_at = self._get(f"/v1/{name}s/{quote(object_id, safe='')}")
        return Reader(data), asked_at

    def has_customer(self, customer_id: str) -> bool:
        """False only if Stripe says that the customer was deleted or never existed."""
        try:
            return not self.object("customer", customer_id)[0].flag("deleted")
        except ManimodError as failure:
            return failure.code != "STRIPE_NOT_FOUND"

    def _page(self, address: str, cursor: str | None, read: Callable[[Reader], Any], **parameters: Any) -> Page:
        after = {"starting_after": cursor} if cursor else {}
        data, asked_at = self._get(address, limit=PAGE_SIZE, **after, **parameters)
        reader = Reader(data)
        if not isinstance(reader.raw("data"), list):
            raise ManimodError("STRIPE_FAILED")  # an empty list would erase every customer
        rows, last_id = [], None
        for member in reader.each("data"):
            last_id = member.identifier("id")
            with suppress(NotAnEvent):
                rows.append(read(member))
        rows = [row for row in rows if row]
        if not reader.flag("has_more"):
            return Page(rows, None, asked_at)
        if last_id in (None, cursor):
            raise ManimodError("STRIPE_LIST_ENDLESS")
        return Page(rows, last_id, asked_at)

    def _get(self, address: str, **parameters: Any) -> tuple[Any, datetime]:
        """The answer's JSON, and when it was asked for, by Stripe's clock. Raises ManimodError."""
        if self.count:
            self.count()
        began = time.monotonic()
        try:
            answer = self._client.raw_request("get", address, **parameters)
            data = parse(answer.headers[BodyClient.HEADER])
            return data, _stripes_time(answer) - timedelta(seconds=time.monotonic() - began)
        except stripe.APIConnectionError:
            raise ManimodError("STRIPE_UNREACHABLE", seconds=self.timeout) from None
        except (ValueError, RecursionError):
            raise ManimodError("STRIPE_FAILED") from None
        except stripe.StripeError as error:
            raise self._failure(error) from None

    def _failure(self, error: stripe.StripeError) -> ManimodError:
        message, codes = str(error.user_message), (error.code, getattr(error.error, "code", None))
        status = error.http_status
        if status in (401, 403) and "IP address" in message:
            return ManimodError("STRIPE_KEY_ADDRESS", addresses=self.calls_from, http_status=status)
        if "account_invalid" in codes:
            return ManimodError("STRIPE_KEY_ACCOUNT", http_status=status)
        if "api_key_expired" in codes:
            return ManimodError("STRIPE_KEY_EXPIRED", http_status=status)
        if status == 403:
            return PermissionRefused(message)
        return ManimodError(FAILURES_BY_STATUS.get(status, "STRIPE_FAILED"), http_status=status)


def refuses_key(failure: ManimodError) -> bool:
    """401: Stripe refuses the key whatever it asks for. Nothing else that is optional decides about a connection."""
    return failure.slots.get("http_status") == 401


def _stripes_time(answer: stripe.StripeResponse) -> datetime:
    """When Stripe answered, by its own clock, which events carry too; by ours where the answer doesn't say."""
    try:
        return parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return now()


def verify(body: bytes, signature: str | None, secrets: list[str]) -> MinimisedEvent:
    """The event in a webhook's raw body, once its signature and its time have been checked.

    Raises ManimodError WEBHOOK_BAD_SIGNATURE, WEBHOOK_STALE or WEBHOOK_NOT_AN_EVENT.
    """
    header = signature or ""
    for secret in secrets:
        # stripe-python cannot compare a signature that is not ASCII.
        with suppress(stripe.SignatureVerificationError, UnicodeDecodeError):
            if header.isascii() and stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None):
                break
    else:
        raise ManimodError("WEBHOOK_BAD_SIGNATURE")
    # stripe-python verifies the first `t` and refuses only old ones: a time in the future would be valid for years.
    signed_at = re.search(r"(?:^|,)t=([^,]*)", header)[1]
    skew = int(now().timestamp() - (int(signed_at) if signed_at.isdigit() else 0))
    if abs(skew) > SIGNATURE_TOLERANCE_SECONDS:
        raise ManimodError("WEBHOOK_STALE", skew=skew)
    try:
        return payloads.minimise(json.loads(body))
    except (NotAnEvent, ValueError, RecursionError):
        raise ManimodError("WEBHOOK_NOT_AN_EVENT") from None


def fetch_object(gateway: StripeGateway, event: EventFacts) -> EventFacts:
    """A thin event with its object, as the object is now. Raises ManimodError.

    Stripe says only which object has changed, and mani asks for it with the key's permissions. So thin events are the
    most private way in. Source: docs.stripe.com/event-destinations; of v1 resources their types begin with `v1.`.
    """
    name = payloads.expected_object(event.type)
    if name is None or event.related_id is None or event.wrong_object:
        return replace(event, fetched=event.created)
    if event.type == "customer.deleted":
        return replace(event, fetched=event.created, customer=CustomerFacts(event.related_id, deleted=True))
    reader, asked_at = gateway.object(name, event.related_id)
    fetched = max(int(asked_at.timestamp()), event.created)
    return replace(event, fetched=fetched, **{name: payloads.READERS[name](reader)})


def why_not_fetched(event: EventFacts, failure: ManimodError) -> str | None:
    """Why the object will never be known; None for a failure that passes."""
    name = payloads.expected_object(event.type)
    if isinstance(failure, PermissionRefused):
        return f"{NO_PERMISSION}{name}s: the permission {name.capitalize()}s: Read lets mani see what changed"
    if failure.code == "STRIPE_NOT_FOUND":
        return f"Stripe no longer has this {name}"
    return None

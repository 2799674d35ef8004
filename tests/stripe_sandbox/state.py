"""What the sandbox remembers: accounts side by side, each with test and live data apart, and the keys to them."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import objects
from .agenda import Agenda
from .collection import Collection
from .faults import Faults
from .ids import Ids
from .webhooks import Deliveries


@dataclass
class Settings:
    """How the account's owner has set up Stripe Billing; one for each store."""

    retries: int = 4  # failed attempts after which Stripe gives up on an invoice
    retry_days: tuple = (3, 5, 7)
    after_retries: str = "canceled"  # or "unpaid" or "past_due"
    draft_seconds: float = 0  # how long a renewal's invoice stays a draft: at Stripe 3600, here by choice
    permission_wording: str = "today"  # of a 403: or "old"
    needs_payment_method: bool = False  # to subscribe: as at Stripe, here by choice


@dataclass
class Key:
    secret: str
    account_id: str
    livemode: bool
    kind: str  # secret, restricted or publishable
    permissions: frozenset = frozenset()
    state: str = "active"  # or expired, or address_restricted


class Store:
    """The data of one account in one mode."""

    def __init__(self, universe, account, livemode):
        self.universe, self.account, self.livemode = universe, account, livemode
        self.settings = Settings()
        self.failing_customers, self.noticed_trials = set(), set()
        self.overdue_invoices = set()
        self.payments_of_drafts = {}  # invoice -> whether its payment is to succeed, if that was chosen
        self.request = None  # the API request under way, for the events that it makes
        self.customers = Collection("customer", lambda it: {"test_clock": it["test_clock"], "email": it["email"]})
        self.products = Collection("product", lambda it: {"active": it["active"]})
        self.prices = Collection("price", objects.price_facts)
        self.subscriptions = Collection("subscription", objects.subscription_facts)
        self.invoices = Collection("invoice", objects.invoice_facts)
        self.invoice_items = Collection("invoiceitem", objects.invoice_item_facts)
        self.payment_methods = Collection("payment_method", lambda it: {"customer": it["customer"]})
        self.failing_methods = {}  # payment method -> charge, attach or confirm: where it fails
        self.events = Collection("event", lambda it: {"type": it["type"], "delivered": it["pending_webhooks"] == 0})
        self.webhook_endpoints = Collection("webhook_endpoint")
        self.test_clocks = Collection("test_clock")

    @property
    def collections(self):
        return {name: value for name, value in vars(self).items() if isinstance(value, Collection)}

    def new_id(self, prefix):
        return self.universe.ids.new(prefix)

    def now(self, customer=None) -> int:
        """A customer on a test clock lives in that clock's time."""
        clock = customer and customer.get("test_clock")
        return self.test_clocks.get(clock)["frozen_time"] if clock else int(time.time())

    @contextmanager
    def serving(self, request):
        self.request = request
        try:
            yield
        finally:
            self.request = None


@dataclass
class Account:
    id: str
    name: str
    country: str
    currency: str
    email: str
    created: int
    platform: str | None = None  # the account to which this one is connected
    business_profile: dict = field(default_factory=dict)  # its own values, in place of the usual ones
    branding: dict = field(default_factory=dict)
    stores: dict = field(default_factory=dict)


class Universe:
    """Everything behind one address. Whoever reads or changes it holds `lock`."""

    def __init__(self, seed=None):
        self.lock = threading.RLock()
        self.ids = Ids(seed)
        self.faults = Faults()
        self.deliveries = Deliveries(self)
        self.agenda = Agenda()  # what falls due by itself: drafts
        self.clear()

    def start(self):
        self.deliveries.start()
        self.agenda.open()
        threading.Thread(target=self._work, name="agenda", daemon=True).start()

    def stop(self):
        self.deliveries.stop()
        self.agenda.close()

    def _work(self):
        while (job := self.agenda.take()) is not None:
            with self.lock:
                job()
            self.agenda.done()

    def clear(self):
        self.agenda.clear()
        self.accounts = {}
        self.keys = {}
        self.answers = {}  # idempotency key -> answer
        self.faults.clear()
        self.deliveries.clear()

    def add_account(self, name, country="US", currency="usd", email=None, platform=None):
        ident = self.ids.new("acct")
        account = Account(ident, name, country, currency, email or "owner@example.com", int(time.time()), platform)
        account.stores = {livemode: Store(self, account, livemode) for livemode in (False, True)}
        self.accounts[ident] = account
        return account

    def add_key(self, account_id, kind, livemode, permissions=(), state="active"):
        prefix = {"secret": "sk", "restricted": "rk", "publishable": "pk"}[kind]
        tail = account_id.removeprefix("acct_") + self.ids.letters(82)
        secret = f"{prefix}_{'live' if livemode else 'test'}_{tail}"
        key = Key(secret, account_id, livemode, kind, frozenset(permissions), state)
        self.keys[secret] = key
        return key

    def stores(self):
        return [store for account in self.accounts.values() for store in account.stores.values()]

    def holding(self, collection, ident):
        """The store that has this object: identifiers are unique, so the control API needs no account."""
        for store in self.stores():
            if ident in getattr(store, collection):
                return store
        raise LookupError(f"no {collection} object {ident!r}")

"""The sandbox's remote control, for tests and demonstrations in this process or another."""

import http.client
import json
import threading
from urllib.parse import urlsplit

import stripe


def stripe_client(url, secret, retries=0):
    """stripe-python's own client, pointed at the sandbox."""
    return stripe.StripeClient(secret, base_addresses={"api": url}, max_network_retries=retries)


class SandboxError(Exception):
    """The sandbox could not do what was asked."""


class SandboxControl:
    def __init__(self, url, timeout=60.0):
        self.url, self.timeout = url, timeout
        self._address = urlsplit(url).netloc
        self._local = threading.local()

    def close(self):
        connection = self._local.__dict__.pop("connection", None)
        if connection:
            connection.close()

    def client(self, secret, retries=0):
        return stripe_client(self.url, secret, retries)

    # Accounts and keys

    def create_account(self, name, country="US", currency="usd", **options):
        """{"id", "name", "keys": {"test" | "live": {"secret" | "restricted" | "publishable": key}}}.

        The restricted keys have the two permissions of mani's guide, or those given as `permissions`. `platform`: the
        account to which this one is connected.
        """
        return self._call("create_account", name=name, country=country, currency=currency, **options)

    def create_key(self, account, kind="restricted", livemode=False, **options):
        """`permissions`: rak_... names, `state`: active, expired or address_restricted. Returns the key."""
        return self._call("create_key", account=account, kind=kind, livemode=livemode, **options)

    def change_key(self, secret, permissions=None, state=None):
        self._call("change_key", secret=secret, permissions=permissions, state=state)

    def delete_key(self, secret):
        self._call("delete_key", secret=secret)

    def configure_account(self, account, livemode=False, **settings):
        """`name`, `retries` (attempts), `retry_days`, `after_retries`: canceled, unpaid or past_due.

        `business_profile` and `branding`: fields of these, such as support_url and primary_color.

        `draft_seconds`: how long a renewal's invoice stays a draft before it is charged; 3600 as at Stripe, normally 0.
        `permission_wording` of a 403: today or old. `needs_payment_method`: nobody subscribes without a card.
        """
        return self._call("configure_account", account=account, livemode=livemode, **settings)

    # Data

    def catalogue(self, account, livemode=False, **options):
        """Products and prices alone: {"Starter": {"month": price id, "year": price id}, ...}."""
        return self._call("catalogue", account=account, livemode=livemode, **options)

    def seed_customers(self, account, customers, livemode=False, **options):
        """Options: seed, tiers, statuses, years, until, yearly, subscribed (see seed.populate)."""
        return self._call("seed_customers", account=account, customers=customers, livemode=livemode, **options)

    def counts(self, account, livemode=False):
        return self._call("counts", account=account, livemode=livemode)

    def reset(self):
        """Forgets accounts, keys, data, faults, logs."""
        self._call("reset")

    # Subscriptions

    def renew(self, subscription, succeeds=None):
        """A new period now, or since the last one ended. `succeeds` None: the customer's flag decides the payment."""
        return self._call("renew", subscription=subscription, succeeds=succeeds)

    def fail_renewal(self, subscription):
        return self.renew(subscription, succeeds=False)

    def finish_draft(self, subscription, succeeds=None):
        """With `draft_seconds`, a renewal's invoice is a draft at first: its hour is over now."""
        return self._call("finish_draft", subscription=subscription, succeeds=succeeds)

    def expire(self, subscription):
        """The first payment of an incomplete subscription never came: incomplete_expired, as after 23 hours."""
        return self._call("expire", subscription=subscription)

    def overdue(self, subscription):
        """invoice.overdue: the invoice of a subscription with send_invoice was not paid in time; it stays active."""
        return self._call("overdue", subscription=subscription)

    def void_invoice(self, subscription):
        """The open invoice: invoice.voided, and the subscription owes nothing."""
        return self._call("void_invoice", subscription=subscription)

    def write_off_invoice(self, subscription):
        """The open invoice: invoice.marked_uncollectible, and the subscription goes on."""
        return self._call("write_off_invoice", subscription=subscription)

    def retry_payment(self, subscription, succeeds=None):
        return self._call("retry_payment", subscription=subscription, succeeds=succeeds)

    def pay(self, subscription):
        """The open invoice is paid: invoice.paid, and the subscription is active again."""
        return self.retry_payment(subscription, succeeds=True)

    def set_payment(self, customer, succeeds):
        self._call("set_payment", customer=customer, succeeds=succeeds)

    def cancel(self, subscription, at_period_end=False, **options):
        return self._call("cancel", subscription=subscription, at_period_end=at_period_end, **options)

    def keep(self, subscription):
        return self._call("keep", subscription=subscription)

    def end_period(self, subscription):
        return self._call("end_period", subscription=subscription)

    def pause(self, subscription, behavior="void"):
        return self._call("pause", subscription=subscription, behavior=behavior)

    def resume(self, subscription):
        return self._call("resume", subscription=subscription)

    def trial_will_end(self, subscription):
        return self._call("trial_will_end", subscription=subscription)

    def end_trial(self, subscription):
        return self._call("end_trial", subscription=subscription)

    def emit(self, account, type, object, **options):
        """Any event at all; options: livemode, previous_attributes."""
        return self._call("emit", account=account, type=type, object=object, **options)

    # Webhooks

    def create_endpoint(self, account, url, livemode=False, **options):
        """The endpoint with its `secret`; options: events (default everything), api_version.

        `payload="thin"`: it gets thin events. `connect=True`: those of the accounts that are connected to this one,
        with `account`; `organisation=True` the same, with `context`.
        """
        return self._call("create_endpoint", account=account, url=url, livemode=livemode, **options)

    def roll_secret(self, endpoint, overlap=0.0):
        """The new secret; the old one signs beside it for `overlap` seconds."""
        return self._call("roll_secret", endpoint=endpoint, overlap=overlap)

    def configure_deliveries(self, **options):
        """`backoff`: seconds before each further attempt; `timeout`; `duplicates`: further copies of each event.

        `one_by_one`: each answer is awaited before the next delivery, so that the order is certain.
        """
        self._call("configure_deliveries", **options)

    def hold_deliveries(self):
        self._call("hold_deliveries")

    def release_deliveries(self, backwards=False):
        return self._call("release_deliveries", backwards=backwards)

    def resend(self, event, endpoint=None):
        return self._call("resend", event=event, endpoint=endpoint)

    def deliveries(self, event=None, endpoint=None, type=None):
        """Every attempt, oldest first: event, type, endpoint, url, attempt, at, status, error, seconds, succeeded."""
        return self._call("deliveries", event=event, endpoint=endpoint, type=type)

    def wait_for_deliveries(self, timeout=10.0, horizon=None):
        """True when nothing is left to deliver; `horizon` 0 does not wait for retries that are due later."""
        return self._call("wait_for_deliveries", timeout=timeout, horizon=horizon)

    def deliver_payload(self, endpoint, payload, at=None, secrets=None):
        """Signs and sends a payload of your own (dict or text), once: {"status", "body"} of the receiver."""
        return self._call("deliver_payload", endpoint=endpoint, payload=payload, at=at, secrets=secrets)

    # Trouble, and what was asked

    def fault(self, **fields):
        """path (prefix), method, times (None: until cleared), after, status, reason, delay, half, drip, drop."""
        return self._call("fault", **fields)

    def clear_faults(self):
        self._call("clear_faults")

    def latency(self, seconds=0.0):
        """How long every answer takes."""
        self._call("latency", seconds=seconds)

    def rate_limit(self, per_second=None):
        """For each endpoint of each account and mode; None is unlimited."""
        self._call("rate_limit", per_second=per_second)

    def requests(self, **wanted):
        """at, method, path, query, account, livemode, key_kind, status, request_id; `wanted` compares fields."""
        return self._call("requests", **wanted)

    def clear_requests(self):
        self._call("clear_requests")

    def _call(self, action, **arguments):
        status, body = self._post(f"/_sandbox/{action}", json.dumps(arguments))
        result = json.loads(body)
        if status != 200:
            raise SandboxError(f"{action}: {result['error']}")
        return result

    def _post(self, path, body):
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._address, timeout=self.timeout)
        try:
            self._local.connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = self._local.connection.getresponse()
            return response.status, response.read()
        except BaseException:
            self.close()
            raise

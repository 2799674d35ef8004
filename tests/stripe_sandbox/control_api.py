"""The control API under /_sandbox/: what a test does to the sandbox, as opposed to what an application asks Stripe.

POST /_sandbox/<name> with a JSON object calls the action of that name; control.py is its client and its description.
"""

from dataclasses import asdict

from . import control_billing, control_deliveries, errors, seed

PREFIX = "/_sandbox/"
GUIDE = ("rak_customer_read", "rak_subscription_read")  # what mani's setup guide asks for
KINDS = ("secret", "restricted", "publishable")


def create_account(universe, name, country="US", currency="usd", email=None, permissions=GUIDE, platform=None):
    account = universe.add_account(name, country, currency, email, platform)
    keys = {
        mode: {kind: add_key(universe, account.id, kind, livemode, permissions) for kind in KINDS}
        for mode, livemode in (("test", False), ("live", True))
    }
    return {"id": account.id, "name": name, "keys": keys}


def add_key(universe, account_id, kind, livemode, permissions, state="active"):
    return universe.add_key(account_id, kind, livemode, permissions if kind == "restricted" else (), state).secret


def create_key(universe, account, kind="restricted", livemode=False, permissions=GUIDE, state="active"):
    if account not in universe.accounts:
        raise LookupError(f"no account {account!r}")
    return add_key(universe, account, kind, livemode, permissions, state)


def change_key(universe, secret, permissions=None, state=None):
    key = universe.keys[secret]
    key.permissions = key.permissions if permissions is None else frozenset(permissions)
    key.state = state or key.state


def delete_key(universe, secret):
    del universe.keys[secret]


def configure_account(universe, account, livemode=False, name=None, business_profile=None, branding=None, **settings):
    owner = universe.accounts[account]
    owner.name = name or owner.name
    owner.business_profile |= business_profile or {}
    owner.branding |= branding or {}
    store = owner.stores[livemode]
    for field, value in settings.items():
        if field not in vars(store.settings):
            raise TypeError(f"no setting {field!r}")
        setattr(store.settings, field, value)
    return asdict(store.settings)


def seed_customers(universe, account, customers, livemode=False, **options):
    store = universe.accounts[account].stores[livemode]
    prices = seed.populate(store, customers, **options)
    ids = {tier: {interval: price["id"] for interval, price in both.items()} for tier, both in prices.items()}
    return {"customers": len(store.customers), "subscriptions": len(store.subscriptions), "prices": ids}


def catalogue(universe, account, livemode=False, tiers=seed.TIERS):
    prices = seed.catalogue(universe.accounts[account].stores[livemode], tiers)
    return {tier: {interval: price["id"] for interval, price in both.items()} for tier, both in prices.items()}


def counts(universe, account, livemode=False):
    return {name: len(each) for name, each in universe.accounts[account].stores[livemode].collections.items()}


def fault(universe, **fields):
    return universe.faults.plan(**fields)


def clear_faults(universe):
    universe.faults.planned.clear()


def rate_limit(universe, per_second=None):
    universe.faults.requests_per_second = per_second


def latency(universe, seconds=0.0):
    universe.faults.latency = seconds


def requests(universe, **wanted):
    return [row for row in universe.faults.log if all(row.get(name) == value for name, value in wanted.items())]


def clear_requests(universe):
    universe.faults.log.clear()


def reset(universe):
    universe.clear()


HERE = (create_account, create_key, change_key, delete_key, configure_account, seed_customers, catalogue, counts)
HERE += (fault, clear_faults, rate_limit, latency, requests, clear_requests, reset)
ACTIONS = {each.__name__: each for each in (*HERE, *control_billing.ACTIONS, *control_deliveries.ACTIONS)}
# These wait, so they may not hold the lock while they do.
PATIENT = {each.__name__: each for each in control_deliveries.PATIENT}


def perform(universe, name, arguments):
    try:
        if name in PATIENT:
            return 200, PATIENT[name](universe, **arguments)
        if name not in ACTIONS:
            return 404, {"error": f"no control action {name!r}"}
        with universe.lock:
            return 200, ACTIONS[name](universe, **arguments)
    except errors.StripeError as error:
        return 400, {"error": str(error)}
    except (LookupError, TypeError, ValueError) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}

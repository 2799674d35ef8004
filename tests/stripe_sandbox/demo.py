"""Brightside Studio, the business that `make demo` shows: two years of customers, then a few events to watch."""

import random
import time

from . import names

NAME = "Brightside Studio"
PERMISSIONS = ("customer", "subscription", "event", "product", "plan", "invoice", "accounts_kyc_basic")


def seed(control, customers=40):
    """Makes the account: what create_account answers, and its price ids under "prices"."""
    account = control.create_account(NAME, permissions=[f"rak_{name}_read" for name in PERMISSIONS])
    control.configure_account(
        account["id"],
        business_profile={"url": "https://brightside.example", "support_url": "https://brightside.example/help"},
        branding={"primary_color": "#1f4d4a", "secondary_color": "#f2b134"},
    )
    seeded = control.seed_customers(account["id"], customers, seed=NAME)
    return {**account, "prices": seeded["prices"]}


def play(control, account, pause=2.0, rounds=1, tell=print):
    """Lets events flow: newcomers on every tier, renewals, a failed payment, a cancellation. Answers what was done."""
    client = control.client(account["keys"]["test"]["secret"])
    draw, done = random.Random(), []
    for _ in range(rounds):
        for sentence, happen in scene(control, client, account["prices"], draw):
            ident = happen()
            done.append((sentence, ident))
            tell(f"{sentence}: {ident}")
            time.sleep(pause)
    return done


def scene(control, client, prices, draw):
    """What happens in one round, as sentences and functions that make them true."""
    existing = client.v1.subscriptions.list({"status": "active", "limit": 100}).data
    chosen = [each.id for each in draw.sample(existing, min(4, len(existing)))]
    for tier, both in prices.items():
        yield f"a new customer takes {tier}", lambda price=both["month"]: join(client, price, draw)
    steps = (
        ("a subscription renews", control.renew),
        ("another one renews", control.renew),
        ("a renewal cannot be paid", control.fail_renewal),
        ("a customer cancels", control.cancel),
    )
    for (sentence, action), subscription in zip(steps, chosen, strict=False):
        yield sentence, lambda action=action, subscription=subscription: action(subscription)["id"]


def join(client, price, draw):
    name, email, phone, line1, city, country, postal_code = names.person(draw)
    address = {"line1": line1, "city": city, "country": country, "postal_code": postal_code}
    details = {"name": names.unescaped(name), "email": email, "phone": phone, "address": address}
    customer = client.v1.customers.create(details)
    client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price}]})
    return customer.id

"""The objects of the API in the shape of the installed SDK's API version.

Fields: Stripe API reference, checked 2026-11-22. Values are only placed here, never computed, because seeding renders
a hundred thousand objects from one example of each (see seed.py).
"""

import stripe

API_VERSION = stripe.api_version


def account(owner, livemode):
    return {
        "id": owner.id,
        "object": "account",
        "business_profile": {
            "mcc": "7372",
            "name": owner.name,
            "product_description": "what the account told Stripe alone",
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
            **owner.business_profile,
        },
        "business_type": "company",
        "charges_enabled": True,
        "country": owner.country,
        "created": owner.created,
        "default_currency": owner.currency,
        "details_submitted": True,
        "email": owner.email,
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None, **owner.branding},
            "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
            "card_payments": {
                "decline_on": {"avs_failure": False, "cvc_failure": False},
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": owner.name, "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": owner.name.upper()[:22]},
        },
        "type": "standard",
    }


def customer(ident, created, livemode, **fields):
    return {
        "id": ident,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_credit_balance": {},
        "invoice_prefix": ident[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": livemode,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax": {
            "automatic_tax": "unrecognized_location",
            "ip_address": None,
            "location": None,
            "provider": "stripe",
        },
        "tax_exempt": "none",
        "test_clock": None,
        **fields,
    }


def product(ident, created, livemode, name, **fields):
    return {
        "id": ident,
        "object": "product",
        "active": True,
        "created": created,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": livemode,
        "marketing_features": [],
        "metadata": {},
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": created,
        "url": None,
        **fields,
    }


def price(ident, created, livemode, product_id, currency, unit_amount, recurring, **fields):
    """`recurring` is (interval, interval_count) or None for a price that is paid once."""
    return {
        "id": ident,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": livemode,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product_id,
        "recurring": recurring
        and {
            "interval": recurring[0],
            "interval_count": recurring[1],
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": unit_amount,
        "unit_amount_decimal": str(unit_amount),
        **fields,
    }


def price_facts(it):
    return {name: it[name] for name in ("product", "active", "type", "lookup_key", "currency")}


def plan(from_price):
    """Subscription items still carry the price a second time, as the plan that it replaced."""
    same = ("id", "active", "billing_scheme", "created", "currency", "livemode", "metadata", "nickname", "product")
    recurring = ("interval", "interval_count", "meter", "trial_period_days", "usage_type")
    return {
        "object": "plan",
        "amount": from_price["unit_amount"],
        "amount_decimal": from_price["unit_amount_decimal"],
        "tiers_mode": None,
        "transform_usage": None,
        **{name: from_price[name] for name in same},
        **{name: from_price["recurring"][name] for name in recurring},
    }


def subscription_facts(it):
    return {
        "customer": it["customer"],
        "status": it["status"],
        "price": tuple({item["price"]["id"] for item in it["items"]["data"]}),
        "test_clock": it["test_clock"],
        "collection_method": it["collection_method"],
        "period": period(it),
    }


def period(subscription):
    """For lists only: filtered, but not found by. A number that differs in every object makes no index."""
    item = subscription["items"]["data"][0]
    return {name: item[name] for name in ("current_period_start", "current_period_end")}


def invoice_item_facts(it):
    parent = it["parent"]
    subscription = parent and parent["subscription_details"]["subscription"]
    return {"customer": it["customer"], "invoice": it["invoice"], "subscription": subscription}


def invoice_facts(it):
    parent = it["parent"]
    return {
        "customer": it["customer"],
        "subscription": parent and parent["subscription_details"]["subscription"],
        "status": it["status"],
        "collection_method": it["collection_method"],
    }


def webhook_endpoint(ident, created, livemode, url, enabled_events, **fields):
    return {
        "id": ident,
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": created,
        "description": None,
        "enabled_events": enabled_events,
        "livemode": livemode,
        "metadata": {},
        "status": "enabled",
        "url": url,
        **fields,
    }


def test_clock(ident, created, frozen_time, name):
    return {
        "id": ident,
        "object": "test_helpers.test_clock",
        "created": created,
        "deletes_after": created + 30 * 86400,
        "frozen_time": frozen_time,
        "livemode": False,
        "name": name,
        "status": "ready",
        "status_details": {},
    }


def event(ident, created, livemode, kind, data, pending_webhooks, request):
    return {
        "id": ident,
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": data,
        "livemode": livemode,
        "pending_webhooks": pending_webhooks,
        "request": request or {"id": None, "idempotency_key": None},
        "type": kind,
    }

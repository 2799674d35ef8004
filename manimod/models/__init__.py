"""The tables. Import models from here: `from manimod.models import Account`."""

from manimod.models.accounts import PLANS, Account, Role, User
from manimod.models.creatives import BrandKit, Creative, Review
from manimod.models.stripe import (
    KINDS,
    AudienceSize,
    Connection,
    Customer,
    Moment,
    Price,
    StripeEvent,
    Subscription,
    SyncRun,
    Tier,
    Trigger,
)

__all__ = [
    "KINDS",
    "PLANS",
    "Account",
    "AudienceSize",
    "BrandKit",
    "Connection",
    "Creative",
    "Customer",
    "Moment",
    "Price",
    "Review",
    "Role",
    "StripeEvent",
    "Subscription",
    "SyncRun",
    "Tier",
    "Trigger",
    "User",
]

"""The tables. Import models from here: `from manimod.models import Account`."""

from manimod.models.accounts import (
    PLANS,  # noqa: F401
    Account,  # noqa: F401
    Role,  # noqa: F401
    User,  # noqa: F401
)
from manimod.models.creatives import (
    BrandKit,  # noqa: F401
    Creative,  # noqa: F401
    Review,  # noqa: F401
)
from manimod.models.diagnostics import (
    Alert,  # noqa: F401
    AuditEntry,  # noqa: F401
    AuditIsFinal,  # noqa: F401
    Health,  # noqa: F401
)
from manimod.models.stripe import (
    OPEN_MOMENTS,  # noqa: F401
    AudienceDay,  # noqa: F401
    AudienceSize,  # noqa: F401
    Connection,  # noqa: F401
    Customer,  # noqa: F401
    Moment,  # noqa: F401
    MomentDay,  # noqa: F401
    Price,  # noqa: F401
    RejectedDelivery,  # noqa: F401
    StripeEvent,  # noqa: F401
    Subscription,  # noqa: F401
    SyncRun,  # noqa: F401
    Tier,  # noqa: F401
    Trigger,  # noqa: F401
)

__all__ = [
    "OPEN_MOMENTS",
    "PLANS",
    "Account",
    "Alert",
    "AudienceDay",
    "AudienceSize",
    "AuditEntry",
    "AuditIsFinal",
    "BrandKit",
    "Connection",
    "Creative",
    "Customer",
    "Health",
    "Moment",
    "MomentDay",
    "Price",
    "RejectedDelivery",
    "Review",
    "Role",
    "StripeEvent",
    "Subscription",
    "SyncRun",
    "Tier",
    "Trigger",
    "User",
]

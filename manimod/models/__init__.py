"""The tables. Import models from here: `from manimod.models import Account`."""

from manimod.models.accounts import PLANS, Account, Role, User
from manimod.models.creatives import AudienceList, BrandKit, Creative, DrawnPictures, Export, Review
from manimod.models.diagnostics import Alert, AuditEntry, AuditIsFinal, Health
from manimod.models.stripe import (
    FOUND_IN_LISTS,
    OPEN_MOMENTS,
    AudienceDay,
    Connection,
    Customer,
    ErasedCustomer,
    Invoice,
    Moment,
    MomentDay,
    RejectedDelivery,
    StripeEvent,
    Subscription,
    SyncRun,
    Trigger,
)
from manimod.models.tiers import UPLOAD, Price, Tier

"""Accounts of mani and the people who sign in."""

from datetime import UTC, datetime, timedelta

from flask_security.models import fsqla_v3 as fsqla
from sqlalchemy import ColumnElement, ForeignKey, String
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column, relationship

from manimod.extensions import db
from manimod.models.states import Plan

PLANS = tuple(plan.value for plan in Plan)
PLANS_WITH_STRIPE = (Plan.PRO, Plan.SCALE)

PLACEHOLDER_NAME = "My company"  # of an account that nobody has named
CLOCK_TOLERANCE = timedelta(minutes=1)  # by which the clocks of several machines may differ

StoredTime = datetime | InstrumentedAttribute[datetime | None]  # of a row at hand, or a column in a query

fsqla.FsModels.set_db_info(db)


def now() -> datetime:
    return datetime.now(UTC)


# What was stored while a clock was ahead lies in the future once the clock is right. Whoever compares a stored time
# with the present one asks these, so that nothing waits for such a time and nothing counts as recent because of it.


def is_future(at: StoredTime) -> bool | ColumnElement[bool]:
    """Whether a clock was ahead when this time was stored as the present one."""
    return at > now() + CLOCK_TOLERANCE


def is_recent(at: StoredTime, longest: timedelta) -> bool | ColumnElement[bool]:
    """Whether it is at most so long ago."""
    return (at > now() - longest) & (at <= now() + CLOCK_TOLERANCE)


def is_ahead(at: StoredTime, longest: timedelta) -> bool | ColumnElement[bool]:
    """Whether it is still to come. It was set at most `longest` ahead; what is further ahead counts as past."""
    return (at > now()) & (at <= now() + longest + CLOCK_TOLERANCE)


class Account(db.Model):
    """A customer of mani: one company with its plan, its Stripe connection and its creatives."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    plan: Mapped[str] = mapped_column(String(20), default=Plan.FREE)
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC", server_default="UTC")  # of the IANA database
    created_at: Mapped[datetime] = mapped_column(default=now)
    ad_accounts: Mapped[dict] = mapped_column(
        default=dict, server_default="{}"
    )  # creatives/engine/sheets/ad_accounts.py

    @property
    def may_connect_stripe(self) -> bool:
        return self.plan in PLANS_WITH_STRIPE


class Role(db.Model, fsqla.FsRoleMixin):
    """`owner` works in one account, `support` helps all of them and has none."""


class User(db.Model, fsqla.FsUserMixin):
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    account: Mapped[Account | None] = relationship()

    def check_tf_required(self, methods: list, _is_fresh: bool) -> tuple[bool, list]:
        """Flask-Security asks this after the password: support needs a code every time."""
        return self.has_role("support"), methods

    def check_tf_required_setup(self) -> bool:
        return self.has_role("support")

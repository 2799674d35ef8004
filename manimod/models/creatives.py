"""The review queue: creatives (sets of variants for one audience), who reviewed them, and the brand behind them."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from manimod.extensions import UtcDateTime, db
from manimod.models.accounts import Account, now


class BrandKit(db.Model):
    """How an account's ads look and sound. Every column has a default, so the first creative needs no setup."""

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    primary_colour: Mapped[str] = mapped_column(String(7), default="#1f3a5f")
    accent_colour: Mapped[str] = mapped_column(String(7), default="#f2b84b")
    tone: Mapped[str] = mapped_column(String(10), default="friendly")  # friendly, plain, expert
    landing_page: Mapped[str] = mapped_column(String(500), default="https://example.com")


class Creative(db.Model):
    """One creative set for one audience (objective, event, tier, value segment): at least three variants."""

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    objective: Mapped[str] = mapped_column(String(20))  # retention, upsell, winback
    event: Mapped[str] = mapped_column(String(20))  # the kind of its moments
    tier: Mapped[str | None] = mapped_column(String(255))
    segment: Mapped[str | None] = mapped_column(String(10))
    is_generic: Mapped[bool] = mapped_column(default=False)
    is_test: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(20), default="waiting")  # waiting, approved, rejected, withdrawn
    content: Mapped[dict] = mapped_column(JSON)  # the studio's creative set
    moments_count: Mapped[int] = mapped_column(default=1)
    path: Mapped[str] = mapped_column(String(10))
    # The timeline of the moment that caused it.
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    detected_at: Mapped[datetime] = mapped_column(UtcDateTime)
    generated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    account: Mapped[Account] = relationship()
    reviews: Mapped[list["Review"]] = relationship(order_by="Review.id")

    __table_args__ = (
        Index("ix_creative_queue", "account_id", "status", "id"),
        Index("ix_creative_audience", "account_id", "event", "tier", "segment", "status"),
    )


class Review(db.Model):
    """Who did what to a creative, and when."""

    id: Mapped[int] = mapped_column(primary_key=True)
    creative_id: Mapped[int] = mapped_column(ForeignKey("creative.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    action: Mapped[str] = mapped_column(String(20))  # approved, rejected, withdrawn, reopened
    reason: Mapped[str | None] = mapped_column(String(255))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

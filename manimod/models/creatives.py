"""The review queue: creatives (sets of variants for one audience), who reviewed them, and the brand behind them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, relationship

from manimod.extensions import db
from manimod.models.accounts import Account, User, now
from manimod.models.states import CreativeStatus, ExportState
from manimod.models.stripe import ConnectionRow

MAX_SEARCHABLE = 500  # characters: PostgreSQL takes 2,700 bytes in an index
LONG_AGO = "1970-01-01 00:00:00"  # of what a worker of the release before has written
QUEUE = ("account_id", "is_test", "status", "joined_at", "id")


class BrandKit(db.Model):
    """How an account's ads look and sound. There is a row once the owner has saved one."""

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    primary_colour: Mapped[str] = mapped_column(String(7), default="#2b45c9")
    accent_colour: Mapped[str] = mapped_column(String(7), default="#ffb84d")
    tone: Mapped[str] = mapped_column(String(10), default="plain")  # plain, friendly, expert
    landing_page: Mapped[str] = mapped_column(String(500), default="")
    support: Mapped[str] = mapped_column(String(500), default="", server_default="")  # where customers get help
    banned_words: Mapped[list] = mapped_column(default=list)
    disclaimer: Mapped[str] = mapped_column(String(200), default="")
    offers: Mapped[list] = mapped_column(default=list)  # text, kind, code, ends_on (ISO date) of each
    proof: Mapped[list] = mapped_column(default=list)
    release_notes: Mapped[list] = mapped_column(default=list)  # texts of the version before, no longer read
    releases: Mapped[list] = mapped_column(default=list, server_default="[]")  # text, released_on (ISO), tier of each
    logo: Mapped[bytes | None]  # PNG that mani encoded itself
    version: Mapped[int] = mapped_column(default=0)  # counts the changes, so that pictures are drawn anew


def searchable(tier: str | None, content: dict[str, Any]) -> str:
    """What the queue's search looks into: the tier and the headlines, short enough for an index."""
    headlines = [variant["headline"] for variant in content["variants"]]
    return "\n".join(filter(None, [tier, *headlines])).lower()[:MAX_SEARCHABLE]


def _searchable(row: DefaultExecutionContext) -> str:
    columns = row.get_current_parameters()
    return searchable(columns.get("tier"), columns["content"])


class Creative(db.Model):
    """One creative set for one audience (objective, event, tier, value segment): at least three variants."""

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    objective: Mapped[str] = mapped_column(String(20))  # an Objective
    event: Mapped[str] = mapped_column(String(20))  # the kind of its moments
    tier: Mapped[str | None]
    segment: Mapped[str | None] = mapped_column(String(10))  # of those that share it, the first; None: for all
    stripe_product_id: Mapped[str | None]  # of the tier, whatever it is called by now
    is_generic: Mapped[bool] = mapped_column(default=False)
    generic_reason: Mapped[str | None] = mapped_column(String(20))  # a GenericReason
    is_test: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(20), default=CreativeStatus.WAITING)
    content: Mapped[dict]  # a CreativeSet of the engine
    left_out: Mapped[list] = mapped_column(default=list, server_default="[]")  # places of variants not approved
    search_text: Mapped[str] = mapped_column(String(MAX_SEARCHABLE), default=_searchable, server_default="")
    round: Mapped[int] = mapped_column(default=0)  # how often a new version was asked for
    revision: Mapped[int] = mapped_column(default=0)  # counts the changes of the content
    moments_count: Mapped[int] = mapped_column(default=1)
    joined_at: Mapped[datetime] = mapped_column(default=now, server_default=LONG_AGO)  # its latest moment
    source: Mapped[str] = mapped_column(String(10))  # a Source
    run_from: Mapped[datetime]
    run_until: Mapped[datetime]
    audience_size: Mapped[int | None]  # written by the release before, no longer read
    # The timeline of the moment that caused it.
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    detected_at: Mapped[datetime]
    generated_at: Mapped[datetime] = mapped_column(default=now)
    exported_at: Mapped[datetime | None]
    exported_revision: Mapped[int | None]  # of what the latest export held; None: that has changed

    account: Mapped[Account] = relationship()
    reviews: Mapped[list["Review"]] = relationship(order_by="Review.id")

    @property
    def ads(self) -> list[dict[str, Any]]:
        """The variants as the database has them, without those that its approval left out."""
        return [ad for place, ad in enumerate(self.content["variants"]) if place not in self.left_out]

    __table_args__ = (
        # The queue's filters are in its index, so that a rare one among 100,000 creatives is found without their rows.
        Index("ix_creative_queue", *QUEUE, "objective", "event", "segment", "tier", "search_text"),
        Index("ix_creative_audience", "account_id", "is_test", "tier", "segment", "status", "event"),
    )


class Review(db.Model):
    """Who did what to a creative, and when."""

    id: Mapped[int] = mapped_column(primary_key=True)
    creative_id: Mapped[int] = mapped_column(ForeignKey("creative.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    action: Mapped[str] = mapped_column(String(20))  # a ReviewAction
    reason: Mapped[str | None]
    about: Mapped[str | None] = mapped_column(String(10))  # a RejectionReason
    before: Mapped[dict | None] = mapped_column(JSON(none_as_null=True), deferred=True)  # the content that it replaced
    at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User | None] = relationship(lazy="joined")


class Export(db.Model):
    """Approved creatives as one file, which a worker makes. The file is the sheets and the creatives' pictures."""

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    is_test: Mapped[bool] = mapped_column(default=False)
    with_pictures: Mapped[bool] = mapped_column(default=True)
    creative_ids: Mapped[list]  # newest first
    state: Mapped[str] = mapped_column(String(10), default=ExportState.MAKING)
    done: Mapped[int] = mapped_column(default=0)  # creatives whose pictures are drawn
    attempts: Mapped[int] = mapped_column(default=0)  # time slices since something was last done
    lease_until: Mapped[datetime] = mapped_column(default=now)  # the worker that makes it
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(50))  # of errors.toml, of one that failed
    left_out: Mapped[dict] = mapped_column(default=dict)  # number of a creative -> why
    parts: Mapped[list] = mapped_column(default=list)  # [creative, version] of the pictures in it
    sheets: Mapped[bytes | None] = mapped_column(deferred=True)  # a ZIP of the texts
    creatives: Mapped[int] = mapped_column(default=0)  # in the file, as are the pictures
    pictures: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0)  # bytes of the file

    account: Mapped[Account] = relationship()

    __table_args__ = (
        Index("ix_export_account", "account_id", "created_at"),
        Index("ix_export_state", "state", "lease_until"),
    )


class DrawnPictures(db.Model):
    """A creative's pictures in every size, as they were drawn for an export. They are kept for the next one."""

    creative_id: Mapped[int] = mapped_column(ForeignKey("creative.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(20), primary_key=True)  # as review.picture_version gives it
    data: Mapped[bytes] = mapped_column(deferred=True)  # a ZIP of PNG files
    pictures: Mapped[int]
    refused: Mapped[list] = mapped_column(default=list)  # names of those that could not be drawn
    used_at: Mapped[datetime] = mapped_column(default=now, index=True)


class AudienceList(db.Model, ConnectionRow):
    """A list of customers for the ad platforms was made in a browser: for which audience, and of how many."""

    event: Mapped[str] = mapped_column(String(20))
    tier: Mapped[str | None]
    segment: Mapped[str | None] = mapped_column(String(10))
    from_day: Mapped[int] = mapped_column(default=0)  # for ads that start later: those whose moment is so many days old
    customers: Mapped[int]  # of the audience at that time, held out ones too
    held_out: Mapped[int] = mapped_column(default=0)  # percent
    key: Mapped[str] = mapped_column(String(32))  # of the hash that says who is held out; of the audience's first list
    made_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User | None] = relationship()

    __table_args__ = (Index("ix_audience_list_connection", "connection_id", "event"),)

"""The words of the pages: labels of stored values, and times and amounts as people say them."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import humanize
from flask import Flask, has_request_context
from flask_security import current_user

from manimod.config import Settings
from manimod.creatives.editing import CHANGES
from manimod.creatives.engine.policy.platforms import AUDIENCE_MINIMUMS, PLACEMENTS
from manimod.customers.pace import every, get_pace, within
from manimod.errors import explain
from manimod.ingest import sync
from manimod.lifecycle import KINDS, Objective, Segment, TierPosition
from manimod.models import Connection, Creative, states
from manimod.models.accounts import CLOCK_TOLERANCE
from manimod.stripe.connections import dashboard_link, explain_last_error, webhook_address
from manimod.stripe.gateway import PERMISSIONS, restricted_key_link
from manimod.stripe.payloads import EVENT_TYPES

# What templates find under these names: stored value -> label.
LABELS = {
    "OBJECTIVES": dict(Objective.choices()),
    "SEGMENTS": dict(Segment.choices()),
    "POSITIONS": dict(TierPosition.choices()),
    "STATUSES": dict(states.CreativeStatus.choices()),
    "REVIEW_ACTIONS": dict(states.ReviewAction.choices()),
    "SOURCES": dict(states.Source.choices()),
    "RESULTS": dict(states.EventState.choices()),
    "MOMENT_STATES": dict(states.MomentState.choices()),
    "GENERIC_REASONS": dict(states.GenericReason.choices()),
    "REJECTION_REASONS": dict(states.RejectionReason.choices()),
    "OUTCOMES": dict(states.Outcome.choices()) | {"unchecked": "Not checked"},
    "EVENTS": {event: kind.name for event, kind in KINDS.items()},
    "KINDS": KINDS,
    "PURPOSES": {event: kind.purpose for event, kind in KINDS.items()},
}


def register(app: Flask) -> None:
    app.jinja_env.globals.update(LABELS, is_about_the_key=is_about_the_key, timedelta=timedelta, zip=zip)
    app.jinja_env.globals.update(AUDIENCE_MINIMUMS=AUDIENCE_MINIMUMS, PLACEMENTS=PLACEMENTS, CHANGES=CHANGES)
    app.jinja_env.globals.update(PERMISSIONS=PERMISSIONS, EVENT_TYPES=EVENT_TYPES, key_link=restricted_key_link())
    app.jinja_env.globals.update(webhook_address=webhook_address, dashboard_link=dashboard_link)
    app.jinja_env.globals.update(key_link_required=restricted_key_link(required_only=True))
    settings: Settings = app.extensions["settings"]
    app.jinja_env.globals.update(is_local=settings.is_local, public_url=settings.public_url)
    app.jinja_env.globals.update(outbound_addresses=settings.outbound_addresses)
    app.jinja_env.globals.update(upgrade_link=settings.upgrade_link)
    app.jinja_env.globals.update(grace_period_seconds=settings.grace_period_seconds)
    app.jinja_env.filters.update(failure=explain, trouble=explain_last_error)
    app.jinja_env.filters.update(every=every, within=within, pace=get_pace)
    for function in (sync_interval, ago, ahead, on_day, exactly, duration, counted, share, audience, sentence_case):
        app.jinja_env.filters[function.__name__] = function


def sync_interval(connection: Connection) -> timedelta:
    return sync.interval(connection, sync.get_latest(connection))


def ago(time: datetime, now: datetime | None = None) -> str:
    """`just now`, `5 minutes ago`, `a day ago`, and the date after a week, or of a time that a wrong clock gave."""
    passed = (now or datetime.now(UTC)) - time
    if passed < -CLOCK_TOLERANCE:
        return f"in the future: {on_day(time)}"
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(days=7):
        return humanize.naturaltime(passed)
    return on_day(time)


def ahead(time: datetime, now: datetime | None = None) -> str:
    """`in 12 minutes`; what is due is `now`."""
    remaining = time - (now or datetime.now(UTC))
    if remaining < timedelta(seconds=30):
        return "now"
    return f"in {humanize.naturaldelta(remaining)}"


def on_day(time: datetime) -> str:
    """`22 Nov 2026`, by the calendar of the account that looks at it."""
    local = time.astimezone(_zone())
    return f"{local.day} {local:%b %Y}"


def exactly(time: datetime) -> str:
    """In the time zone of the account that looks at it: `22 Nov 2026, 13:00:05 CET`."""
    local = time.astimezone(_zone())
    zone = local.tzname()
    if not zone.isalpha():  # such as +03
        zone = f"UTC{zone}"
    return f"{local.day} {local:%b %Y, %H:%M:%S} {zone}"


def _zone() -> tzinfo:
    account = has_request_context() and getattr(current_user, "account", None)
    return ZoneInfo(account.time_zone) if account else UTC


def duration(length: timedelta | float) -> str:
    """`0.8 s`, `14 s`, `3 min`, `2 h`; never below zero, because two clocks may differ a little."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def counted(number: int, noun: str) -> str:
    """`1 customer`, `1,200 customers`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def share(part: float, whole: float) -> str:
    """`38%`; a part that exists is never said to be 0%."""
    percent = 100 * part / whole if whole else 0
    return "<1%" if 0 < percent < 1 else f"{percent:.0f}%"


def audience(creative: Creative) -> str:
    """`Pro · High value`, as far as either is known; `Pro · Core and high value` where segments share a set."""
    content = getattr(creative, "content", None) or {}  # lists read some columns alone
    segments = content.get("segments", ())
    value = LABELS["SEGMENTS"].get(creative.segment)
    if 1 < len(segments) < len(Segment):
        labels = [LABELS["SEGMENTS"][segment].removesuffix(" value") for segment in segments]
        value = f"{' and '.join(labels).capitalize()} value"
    return " · ".join(filter(None, (creative.tier, value))) or "All customers"


def is_about_the_key(code: str | None) -> bool:
    """Whether a connection fails for a reason that another key mends."""
    return bool(code) and code.startswith(("STRIPE_KEY", "STRIPE_PERMISSION", "KEY_"))


def sentence_case(name: str) -> str:
    """`primary_text` as `Primary text`."""
    return name.replace("_", " ").capitalize()

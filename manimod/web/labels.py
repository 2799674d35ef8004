"""The words of the pages: names of events, objectives and segments, and times as people say them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask, has_request_context
from flask_security import current_user

from manimod.creatives.engine.policy.platforms import AUDIENCE_MINIMUMS
from manimod.errors import explain
from manimod.lifecycle import KINDS
from manimod.stripe import connections

EVENTS = {event: kind.name for event, kind in KINDS.items()}
EVENT_PURPOSES = {event: kind.purpose for event, kind in KINDS.items()}
OBJECTIVES = {"retention": "Retention", "upsell": "Upsell", "winback": "Win-back"}
SEGMENTS = {"high": "High value", "core": "Core value", "low": "Low value", "new": "New"}
STATUSES = {
    "waiting": "Waiting",
    "approved": "Approved",
    "rejected": "Rejected",
    "withdrawn": "Withdrawn",
    "expired": "Expired",
}
REVIEW_ACTIONS = {
    "approved": "Approved",
    "rejected": "Rejected",
    "withdrawn": "Withdrawn",
    "reopened": "Put back into the queue",
    "edited": "Texts edited",
    "rewritten": "New version written",
    "restored": "Earlier texts brought back",
}
SOURCES = {"webhook": "Webhook", "poll": "Event check", "sync": "Hourly sync"}
SOURCE_SPEEDS = {"webhook": "within seconds", "poll": "within a minute", "sync": "within the hour"}
RESULTS = {"pending": "Waiting", "done": "Processed", "ignored": "Ignored", "failed": "Given up"}
MOMENT_STATES = {
    "waiting": "Waits for the subscription",
    "ready": "About to be written",
    "generated": "In a creative",
    "withdrawn": "Taken back",
    "skipped": "No ads",
    "blocked": "Waits for the brand kit",
}
POSITIONS = {
    "entry": "Your lowest price",
    "middle": "Between your lowest and highest price",
    "top": "Your highest price",
    "single": "Your only tier",
}
KEY_TYPES = {
    "rk_live": "Restricted key, live mode",
    "rk_test": "Restricted key, test mode",
    "sk_test": "Secret key, test mode",
}
# How an account is: the word, and its pill with an icon.
OUTCOMES = {
    "broken": ("Broken", "bad", "exclamation-triangle-fill"),
    "attention": ("Needs a look", "warn", "exclamation-triangle-fill"),
    "unchecked": ("Not checked", "plain", "hourglass-split"),
    "good": ("Good", "good", "check-circle-fill"),
    "not_applicable": ("Not in use", "plain", "dash-circle"),
}
AUDIT_ACTIONS = {
    "replayed_event": "Event processed once more:",
    "synced": "Sync started",
    "checked": "Checks run",
    "set_plan": "Plan changed",
    "released_sync": "Sync given to another worker",
    "showed_names": "Looked at customers' names",
}
QUEUES = {"mani": "Events", "mani-sync": "Syncs and event checks"}
# What these failures' codes begin with is mended by another key.
KEY_TROUBLES = ("STRIPE_KEY", "STRIPE_PERMISSION", "KEY_")
TEXT_FIELDS = {
    "primary_text": "Primary text",
    "website_title": "Website title",
    "long_headline": "Long headline",
    "business_name": "Business name",
    "ad_text": "Ad text",
}


def register(app: Flask) -> None:
    app.jinja_env.globals.update(
        EVENTS=EVENTS,
        EVENT_PURPOSES=EVENT_PURPOSES,
        OBJECTIVES=OBJECTIVES,
        SEGMENTS=SEGMENTS,
        STATUSES=STATUSES,
        REVIEW_ACTIONS=REVIEW_ACTIONS,
        SOURCES=SOURCES,
        SOURCE_SPEEDS=SOURCE_SPEEDS,
        RESULTS=RESULTS,
        MOMENT_STATES=MOMENT_STATES,
        POSITIONS=POSITIONS,
        KEY_TYPES=KEY_TYPES,
        KEY_TROUBLES=KEY_TROUBLES,
        OUTCOMES=OUTCOMES,
        AUDIT_ACTIONS=AUDIT_ACTIONS,
        QUEUES=QUEUES,
        platforms_beyond=platforms_beyond,
    )
    for function in (
        ago,
        ahead,
        on_day,
        exactly,
        duration,
        clock,
        share,
        audience,
        text_field,
        sentence_case,
        sentence,
        masked,
    ):
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.filters |= {"failure": explain, "trouble": connections.explain_last_error}


def ago(time: datetime, now: datetime | None = None) -> str:
    """`just now`, `5 minutes ago`, `yesterday`, and the date after a week."""
    seconds = ((now or datetime.now(UTC)) - time).total_seconds()
    if seconds < 45:
        return "just now"
    if seconds < 45 * 60:
        return _count(round(seconds / 60), "minute") + " ago"
    if seconds < 22 * 3600:
        return _count(round(seconds / 3600), "hour") + " ago"
    if seconds < 7 * 86400:
        days = max(1, round(seconds / 86400))
        return "yesterday" if days == 1 else f"{days} days ago"
    return on_day(time)


def on_day(time: datetime) -> str:
    """`22 Nov 2026`, by the calendar of the account that looks at it."""
    local = time.astimezone(_zone())
    return f"{local.day} {local:%b %Y}"


def ahead(time: datetime, now: datetime | None = None) -> str:
    """`in 12 minutes`; what is due is `now`."""
    minutes = round((time - (now or datetime.now(UTC))).total_seconds() / 60)
    if minutes < 1:
        return "now"
    return "in " + (_count(minutes, "minute") if minutes < 100 else _count(round(minutes / 60), "hour"))


def exactly(time: datetime) -> str:
    """In the time zone of the account that looks at it: `22 Nov 2026, 13:00:05 CET`."""
    local = time.astimezone(_zone())
    zone = local.tzname()
    return f"{local.day} {local:%b %Y, %H:%M:%S} {zone if zone.isalpha() else 'UTC' + zone}"


def _zone() -> ZoneInfo:
    account = has_request_context() and getattr(current_user, "account", None)
    return ZoneInfo(account.time_zone if account else "UTC")


def clock(length: timedelta) -> str:
    """`0:07`, `4:31`."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    return f"{minutes}:{seconds:02}"


def share(part: float, whole: float) -> str:
    """`38%`; what is there is never said to be none."""
    percent = 100 * part / whole if whole else 0
    return "<1%" if 0 < percent < 1 else f"{percent:.0f}%"


def duration(length: timedelta | float) -> str:
    """`0.8 s`, `14 s`, `3 min`, `2 h`; never below zero, for the two clocks may differ a little."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def audience(creative) -> str:
    """`Pro · High value`; what is not known is said plainly."""
    segment = SEGMENTS.get(creative.segment)
    known = [part for part in (creative.tier, segment) if part]
    return " · ".join(known) or "All customers"


def platforms_beyond(size: int) -> list[str]:
    """The platforms that want more people than these for a matched audience: `Google (100)`."""
    beyond = [family for family in AUDIENCE_MINIMUMS.values() if size < family["people"]]
    return [f"{family['name']} ({family['people']:,})" for family in beyond]


def text_field(name: str) -> str:
    return TEXT_FIELDS.get(name, sentence_case(name))


def masked(name: str | None) -> str | None:
    """A person's name for those who may not know it: `H…`."""
    return f"{name[0]}…" if name else name


def sentence_case(name: str) -> str:
    return name.replace("_", " ").capitalize()


def sentence(text: str) -> str:
    """A reason as a sentence of its own; mani's name stays as it is."""
    first = text[:1] if text.startswith("mani ") else text[:1].upper()
    return first + text[1:].rstrip(".") + "."


def _count(number: int, thing: str) -> str:
    return f"{max(1, number)} {thing}" if number <= 1 else f"{number} {thing}s"

"""The words of the pages: labels of stored values, and times and amounts as people say them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import humanize
from flask import Flask, has_request_context
from flask_security import current_user

from manimod.creatives.engine.policy.platforms import AUDIENCE_MINIMUMS
from manimod.errors import explain
from manimod.lifecycle import KINDS, LabelledEnum, Objective, Segment, TierPosition
from manimod.models import Creative
from manimod.models.states import CreativeStatus, EventState, MomentState, ReviewAction, Source
from manimod.stripe import connections
from manimod.web.charts import share


def _labels(enum: type[LabelledEnum]) -> dict[str, str]:
    return {member.value: member.label for member in enum}


# What templates find under these names: stored value -> label.
LABELS = {
    "EVENTS": {event: kind.name for event, kind in KINDS.items()},
    "PURPOSES": {event: kind.purpose for event, kind in KINDS.items()},
    "OBJECTIVES": _labels(Objective),
    "SEGMENTS": _labels(Segment),
    "POSITIONS": _labels(TierPosition),
    "STATUSES": _labels(CreativeStatus),
    "REVIEW_ACTIONS": _labels(ReviewAction),
    "SOURCES": _labels(Source),
    "ARRIVALS": {
        "webhook": "Events arrive by webhook",
        "poll": "Events are checked every minute",
        "sync": "Changes are found by the hourly sync",
        None: "Stripe cannot be read",
    },
    "SOURCE_SPEEDS": {"webhook": "within seconds", "poll": "within a minute", "sync": "within the hour"},
    "RESULTS": _labels(EventState),
    "MOMENT_STATES": _labels(MomentState),
    # How an account is: the word, its pill and the pill's icon.
    "OUTCOMES": {
        "broken": ("Broken", "bad", "exclamation-triangle-fill"),
        "attention": ("Needs a look", "warn", "exclamation-triangle-fill"),
        "unchecked": ("Not checked", "plain", "hourglass-split"),
        "good": ("Good", "good", "check-circle-fill"),
        "not_applicable": ("Not in use", "plain", "dash-circle"),
    },
    "AUDIT_ACTIONS": {
        "replayed_event": "Event processed once more:",
        "synced": "Sync started",
        "checked": "Checks run",
        "set_plan": "Plan changed",
        "released_sync": "Sync given to another worker",
        "showed_names": "Looked at customers' names",
    },
    "QUEUES": {"mani": "Events", "mani-sync": "Syncs and event checks"},
}
KEY_TYPES = {
    "rk_live": "Restricted key, live mode",
    "rk_test": "Restricted key, test mode",
    "sk_test": "Secret key, test mode",
}


def register(app: Flask) -> None:
    app.jinja_env.globals.update(LABELS, platforms_beyond=platforms_beyond, is_about_the_key=is_about_the_key)
    app.jinja_env.filters.update(FILTERS)


def ago(time: datetime, now: datetime | None = None) -> str:
    """`just now`, `5 minutes ago`, `a day ago`, and the date after a week."""
    passed = (now or datetime.now(UTC)) - time
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
    return f"{local.day} {local:%b %Y, %H:%M:%S} {zone if zone.isalpha() else 'UTC' + zone}"


def _zone() -> ZoneInfo:
    account = has_request_context() and getattr(current_user, "account", None)
    return ZoneInfo(account.time_zone if account else "UTC")


def clock(length: timedelta) -> str:
    """`0:07`, `4:31`."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    return f"{minutes}:{seconds:02}"


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


def audience(creative: Creative) -> str:
    """`Pro · High value`, as far as either is known."""
    known = [part for part in (creative.tier, LABELS["SEGMENTS"].get(creative.segment)) if part]
    return " · ".join(known) or "All customers"


def key_type(name: str | None) -> str:
    return KEY_TYPES.get(name, "API key")


def is_about_the_key(code: str | None) -> bool:
    """Whether a connection fails for a reason that another key mends."""
    return bool(code) and code.startswith(("STRIPE_KEY", "STRIPE_PERMISSION", "KEY_"))


def platforms_beyond(size: int) -> list[str]:
    """The platforms that need a larger matched audience than this: `Google (100)`."""
    beyond = [family for family in AUDIENCE_MINIMUMS.values() if size < family["people"]]
    return [f"{family['name']} ({family['people']:,})" for family in beyond]


def sentence_case(name: str) -> str:
    """`primary_text` as `Primary text`."""
    return name.replace("_", " ").capitalize()


def sentence(text: str) -> str:
    """A reason as a sentence of its own. The name mani stays lowercase."""
    first = text[:1] if text.startswith("mani ") else text[:1].upper()
    return first + text[1:].rstrip(".") + "."


FILTERS = {"failure": explain, "trouble": connections.explain_last_error, "key_type": key_type}
for _filter in (ago, ahead, on_day, exactly, clock, duration, share, audience, sentence_case, sentence):
    FILTERS[_filter.__name__] = _filter

"""Changing the brand kit and the names of tiers: each text is checked against the ad rules before it is stored."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from manimod.creatives import briefs, logos
from manimod.creatives.engine import samples
from manimod.creatives.engine.brief import EVENTS, CreativeSet, Finding
from manimod.creatives.engine.copy import copywriter
from manimod.creatives.engine.copy.copywriter import printable_tier
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.policy.rules import PolicyContext
from manimod.customers.tiers import MAX_NAME_LENGTH
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, BrandKit, Connection, Tier
from manimod.models.accounts import now
from manimod.moments import record
from manimod.stripe import connections

SAMPLES = {event: next(a for a in samples.AUDIENCES if a[0] == event and a[2] == "Team") for event in EVENTS}
NOT_EDITED = ("account_id", "logo", "version")  # columns that `save` leaves alone
# A brand name may break style rules. These it may not: what no ad may print, and what the font cannot draw.
NAME_RULES = {*copywriter.UNPRINTABLE, "IMG-05"}
FIELDS_OF_FINDINGS = {"brand name": "name", "disclaimer": "disclaimer"}


class BrandRejected(ManimodError):
    """Nothing was stored. `problems`: field -> the sentence that says what to change."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("BRAND_REFUSED", problem=next(iter(problems.values())))


def draft(account: Account, **values: Any) -> BrandKit:
    """The stored kit with other values, as a row that belongs to no session."""
    kept = briefs.get_brand_kit(account)
    columns = {column.key: getattr(kept, column.key) for column in BrandKit.__table__.columns}
    return BrandKit(**columns | values)


def save(account: Account, kit: BrandKit, seen_version: int | None = None) -> None:
    """Store a draft whose form was valid. Raises BrandRejected, or BRAND_CHANGED if somebody saved meanwhile."""
    problems = {}
    for field, findings in find_problems(account, kit).items():
        if field == "name" or policy.blocks(findings):
            problems[field] = findings[0].message
    problems = problems or _find_what_blocks_all_ads(kit)
    if problems:
        raise BrandRejected(problems)
    stored = _lock(account)
    if seen_version not in (None, stored.version):
        raise ManimodError("BRAND_CHANGED")
    for column in BrandKit.__table__.columns:
        if column.key not in NOT_EDITED:
            setattr(stored, column.key, getattr(kit, column.key))
    _publish(account, stored)


def set_logo(account: Account, data: bytes | None) -> None:
    """Store an uploaded logo, or with None take it away. Raises the LOGO_ failures."""
    logo = None if data is None else logos.read(data)
    stored = _lock(account)
    stored.logo = logo
    _publish(account, stored)


def find_problems(account: Account, kit: BrandKit) -> dict[str, list[Finding]]:
    """Field -> what the ad rules find in it, blocking findings first."""
    brief = briefs.to_brief(kit, event="new_customer")
    context = briefs.policy_context(account, brief, briefs.stored_texts(kit))
    findings = {"name": [], "disclaimer": [], "proof": [], "release_notes": [], "offers": []}
    if kit.name:
        findings["name"] = [f for f in policy.check_name(kit.name, context) if f.rule_id in NAME_RULES]
    if kit.disclaimer:
        findings["disclaimer"] = policy.check_stored(kit.disclaimer, context)
    texts = {"proof": kit.proof, "release_notes": kit.release_notes, "offers": [offer["text"] for offer in kit.offers]}
    for field, lines in texts.items():
        for line in lines:
            for finding in policy.check_stored(line, context):
                findings[field].append(replace(finding, message=f"“{line[:60]}”: {finding.message}"))
    return {field: sorted(found, key=lambda f: f.severity) for field, found in findings.items() if found}


def find_warnings(account: Account, kit: BrandKit) -> dict[str, list[str]]:
    """Field -> warnings in plain words: what is stored and allowed, but not used or not wise."""
    found = {field: [f.message for f in findings] for field, findings in find_problems(account, kit).items()}
    today = now().date()
    for offer in briefs.to_offers(kit):
        if not offer.is_active(today):
            found.setdefault("offers", []).append(f"“{offer.text}” has ended, so no ad mentions it any more.")
    if not kit.landing_page:
        found["landing_page"] = ["Not set yet. You can review ads without it, and export them once it is set."]
    if kit.disclaimer:
        with suppress(copywriter.NoLegalCopy):
            fitting = sample(kit, "new_customer").variants[0].platforms
            left_out = [placement.label for name, placement in PLACEMENTS.items() if name not in fitting]
            if left_out:
                found.setdefault("disclaimer", []).append(f"It leaves no room for ads on {', '.join(left_out)}.")
    return {field: list(dict.fromkeys(sentences)) for field, sentences in found.items()}


def sample(kit: BrandKit, event: str) -> CreativeSet:
    """What mani would write after an event for a sample audience. Raises copywriter.NoLegalCopy."""
    _, segment, tier, position = SAMPLES[event]
    return copywriter.write(briefs.to_brief(kit, event=event, segment=segment, tier=tier, tier_position=position))


def _find_what_blocks_all_ads(kit: BrandKit) -> dict[str, str]:
    """Field -> problem of a kit that leaves nothing to write, for example one that bans the word “your”."""
    try:
        for event in EVENTS:
            sample(kit, event)
    except copywriter.NoLegalCopy as refusal:
        field, reason = "banned_words", str(refusal)
        for finding in refusal.findings[:1]:
            field = FIELDS_OF_FINDINGS.get(finding.field, field)
            reason = f"“{finding.excerpt}”: {finding.message}" if finding.excerpt else reason
        return {field: f"With this, mani can't write any ad. {reason}"}
    return {}


def _lock(account: Account) -> BrandKit:
    """The stored kit. The account's row is locked, so that of two people who save at once one comes after the other."""
    db.session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    kit = db.session.get(BrandKit, account.id, populate_existing=True)
    if kit is None:
        kit = briefs.get_brand_kit(account)
        db.session.add(kit)
    return kit


def _publish(account: Account, kit: BrandKit) -> None:
    """Count the change, and try again the moments that the old brand blocked."""
    kit.version += 1
    connection = connections.get_current(account)
    if connection:
        record.release_blocked(connection)


def unprintable_tiers(connection: Connection, tiers: list[Tier]) -> dict[int, str]:
    """Tier id -> why ads leave its name out. A tier whose name may be printed is not in it."""
    named = [tier for tier in tiers if tier.name]
    context = _tier_context(connection, [tier.name for tier in named])
    reasons = {}
    for tier in named:
        _, reason = printable_tier(tier.name, context)
        if reason:
            reasons[tier.id] = reason.rstrip(".")
    return reasons


def rename_tier(connection: Connection, tier_id: int, name: str) -> Tier:
    """Give a tier the owner's name, which the next creative uses. An empty name restores Stripe's.

    Raises NOT_FOUND, TIER_NAME_MISSING or TIER_NAME_UNPRINTABLE.
    """
    tier = db.session.scalar(select(Tier).where(Tier.connection_id == connection.id, Tier.id == tier_id))
    if tier is None:
        raise ManimodError("NOT_FOUND")
    name = " ".join(name.split())
    if len(name) > MAX_NAME_LENGTH or (not name and not tier.product_name):
        raise ManimodError("TIER_NAME_MISSING")
    if name:
        _, reason = printable_tier(name, _tier_context(connection, [name]))
        if reason:
            raise ManimodError("TIER_NAME_UNPRINTABLE", why=reason.rstrip("."))
    tier.owner_name = name or None
    return tier


def _tier_context(connection: Connection, names: Iterable[str]) -> PolicyContext:
    account = connection.account
    return PolicyContext(briefs.get_brand(account), customer_names=briefs.customer_names_in(account, names))

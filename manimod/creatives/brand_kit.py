"""Changing the brand kit, the names of tiers and what they do. The ad rules check each text before it is stored."""

import itertools
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from manimod import jobs
from manimod.creatives import briefs
from manimod.creatives.engine import samples
from manimod.creatives.engine.brief import EVENTS, Brief, CreativeSet, Finding
from manimod.creatives.engine.copy import copywriter
from manimod.creatives.engine.copy.copywriter import printable_tier
from manimod.creatives.engine.facts import bullets, proposals
from manimod.creatives.engine.facts.model import NEW_FOR, FactSource, TierFacts
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.rules import PolicyContext
from manimod.customers import catalogue, images, replica
from manimod.customers.tiers import MAX_NAME_LENGTH, copy_upload, find_same
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import UPLOAD, Account, BrandKit, Connection, Tier
from manimod.models.accounts import now
from manimod.moments import record
from manimod.stripe import connections
from manimod.stripe.catalogue import MAX_FEATURES

SAMPLES = {}
for event, segment, tier, _position in samples.AUDIENCES:
    if tier == "Team":
        SAMPLES.setdefault(event, {"segment": segment, "tier_facts": TierFacts(name=tier)})
MAX_TIER_LINE = 80  # characters, as in Stripe
# A brand name may break style rules. These it may not: what no ad may print, and what the font cannot draw.
NAME_RULES = {*copywriter.UNPRINTABLE, "IMG-05"}


class BrandRejected(ManimodError):
    """Nothing was stored. `problems`: field or line -> the sentence that says what to change."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("BRAND_REFUSED", problem=next(iter(problems.values())))


def draft(account: Account, **values: Any) -> BrandKit:
    """The stored kit with other values, as a row that belongs to no session."""
    kept = briefs.get_brand_kit(account)
    columns = {column.key: getattr(kept, column.key) for column in BrandKit.__table__.columns}
    return BrandKit(**columns | values)


def save(account: Account, values: dict[str, Any], seen_version: int | None = None) -> None:
    """Store the values of a valid form. Raises BrandRejected, or BRAND_CHANGED if somebody saved meanwhile."""
    kit, problems = draft(account, **values), {}
    for field, findings in find_problems(account, kit).items():
        if field != "name":
            findings = policy.blocks(findings)
        if findings:
            problems[field] = findings[0].message
    if problems:
        raise BrandRejected(problems)
    try:
        for event in EVENTS:
            sample(kit, event)
    except copywriter.NoLegalCopy as refusal:  # for example of a kit that bans the word “your”
        finding, field = refusal.findings[0], "banned_words"
        if finding.field == "disclaimer":
            field = "disclaimer"
        reason = finding.message
        if finding.excerpt:
            reason = f"“{finding.excerpt}”: {reason}"
        raise BrandRejected({field: f"With this, mani can't write any ad. {reason}"}) from None
    _store(account, values, seen_version)


def _store(account: Account, columns: dict[str, Any], seen_version: int | None = None) -> None:
    """Change the stored kit, one person after the other, and try again the moments that the old one blocked."""
    db.session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    kit = db.session.get(BrandKit, account.id, populate_existing=True)
    if kit is None:
        kit = briefs.get_brand_kit(account)
        db.session.add(kit)
    if seen_version not in (None, kit.version):
        raise ManimodError("BRAND_CHANGED")
    for column, value in columns.items():
        setattr(kit, column, value)
    kit.version += 1
    for connection in connections.list_for_account(account):
        record.release_blocked(connection)


def find_problems(account: Account, kit: BrandKit) -> dict[str, list[Finding]]:
    """Field -> what the ad rules find in it."""
    names = replica.customer_names_in(account, briefs.stored_texts(kit), or_first_name=True)
    context = PolicyContext.of(briefs.to_brief(kit, event="new_customer"), customer_names=names)
    found = defaultdict(list)
    if kit.name:
        for finding in policy.check_name(kit.name, context):
            if finding.rule_id in NAME_RULES:
                found["name"].append(finding)
    texts = {"disclaimer": [kit.disclaimer], "proof": kit.proof}
    for field in ("releases", "offers"):
        texts[field] = [row["text"] for row in getattr(kit, field)]
    for field, stored in texts.items():
        for text in filter(None, stored):
            for finding in policy.check_stored(text, context):
                found[field].append(replace(finding, message=f"“{text[:60]}”: {finding.message}"))
    return found


def find_warnings(account: Account, kit: BrandKit) -> dict[str, list[str]]:
    """Field -> warnings in plain words: what is stored and allowed, but not used or not wise."""
    warnings = defaultdict(list)
    for field, findings in find_problems(account, kit).items():
        for finding in findings:
            if finding.message not in warnings[field]:
                warnings[field].append(finding.message)
    brief = briefs.to_brief(kit, event="new_customer")
    for offer in brief.offers:
        if not offer.is_active(brief.today):
            warnings["offers"].append(f"“{offer.text}” has ended, so no ad mentions it any more.")
    warnings["releases"] += _find_unused_releases(kit, brief)
    if not kit.landing_page:
        warnings["landing_page"].append("Not set yet. You can review ads without it, and export them once it is set.")
    return warnings


def _find_unused_releases(kit: BrandKit, brief: Brief) -> list[str]:
    notes, sentences = {note.text: note for note in brief.release_notes}, []
    for row in kit.releases:
        note, text = notes.get(row["text"]), row["text"]
        if note is None:
            sentences.append(f"“{text}” is for a tier that is gone, so no ad mentions it. Choose another one.")
        elif note.released_on is None:
            sentences.append(f"“{text}” has no day, so no ad mentions it. Say on which day it came out.")
        elif note.released_on > brief.today:
            sentences.append(f"“{text}” isn't out yet. Ads may mention it from that day on.")
        elif not note.is_new(brief.today):
            days = NEW_FOR.days
            sentences.append(f"“{text}” came out more than {days} days ago, so no ad calls it new any more.")
    return sentences


def sample(kit: BrandKit, event: str) -> CreativeSet:
    """What mani would write after an event for a sample audience. Raises copywriter.NoLegalCopy."""
    return copywriter.write(briefs.to_brief(kit, event=event, **SAMPLES[event]))


def unprintable_tiers(connection: Connection, tiers: list[Tier]) -> dict[int, str]:
    """Tier id -> why ads leave its name out. A tier whose name may be printed is not in it."""
    names, reasons = {}, {}
    for tier in tiers:
        if tier.name:
            names[tier.id] = tier.name
        elif tier.why_unnamed:
            reasons[tier.id] = tier.why_unnamed
    customer_names = replica.customer_names_in(connection.account, names.values(), is_test=not connection.livemode)
    context = PolicyContext(briefs.get_brand(connection.account, connection.profile), customer_names=customer_names)
    for tier_id, name in names.items():
        _, reason = printable_tier(name, context)
        if reason:
            reasons[tier_id] = reason.rstrip(".")
    return reasons


@dataclass(frozen=True)
class TierLines:
    """What a tier does, for the owner. `said`: the lines that ads may use; `left_out`: (line, why) of those they don't.

    `has_facts`: some line says more than that it has what another tier has. `draft`: what the form begins with, which
    is a proposal where nothing is known. `with_tier`: the tier of which this product is only another interval, so that
    nobody is asked twice.
    """

    said: list[str]
    left_out: list[tuple[str, str]]
    has_facts: bool
    draft: list[str]
    is_proposal: bool
    is_owners: bool
    with_tier: Tier | None = None


def describe_tiers(tiers: list[Tier]) -> dict[int, TierLines]:
    """By the tier's id."""
    same = defaultdict(list)  # a tier's name -> the products that it is sold as, the plainest name first
    for tier in sorted(tiers, key=lambda tier: (len(tier.owner_name or tier.product_name or ""), tier.id)):
        if tier.is_one_of_several:
            same[tier.name].append(tier)
    described = {}
    for tier in tiers:
        main = same[tier.name][:1]
        lines, said, left_out, has_facts = [], [], [], False
        for stored in catalogue.lines_of(tier, main):
            for line in bullets.split_lines(stored):
                why = bullets.why_refused(line)
                if why:
                    left_out.append((line, why))
                    continue
                lines.append(line)
                said.append(bullets.clean(line))
                has_facts = has_facts or bullets.read_fact(line, FactSource.OWNER) is not None
        is_proposal, with_tier = False, None
        if not lines:
            lines = proposals.propose(tier.description, tier.notes)
            is_proposal = bool(lines)
        if tier.is_one_of_several and main[0] is not tier:
            with_tier = main[0]
        described[tier.id] = TierLines(said, left_out, has_facts, lines, is_proposal, bool(tier.owner_lines), with_tier)
    return described


def set_tier_lines(connection: Connection, tier_id: int, lines: list[str], seen: str | None = None) -> Tier:
    """Store what a tier does in the owner's words, or go back to what Stripe has if there are none or the same.

    Raises NOT_FOUND, or BrandRejected with a sentence for each line that no ad may say, or with the lines that somebody
    else has stored since the form was opened. `seen`: the lines of then, joined by "; ".
    """
    tier = get_tier(connection.account, tier_id)
    stored = "; ".join(tier.owner_lines)
    if seen not in (None, stored) and lines != tier.owner_lines:
        raise BrandRejected({"": f"Somebody else has saved “{stored}” meanwhile. What you save now is kept."})
    kit = briefs.get_brand_kit(connection.account, connection.profile)
    names = replica.customer_names_in(connection.account, lines, or_first_name=True)
    context = PolicyContext.of(briefs.to_brief(kit, event="new_customer"), customer_names=names)
    problems = {}
    if len(lines) > MAX_FEATURES:
        problems[""] = f"At most {MAX_FEATURES} lines. Keep those that matter most."
    for line in lines[:MAX_FEATURES]:
        findings = policy.blocks(policy.check_stored(line, context))
        why = bullets.why_refused(line)
        if findings and not why:
            why = findings[0].message
        if len(line) > MAX_TIER_LINE:
            why = f"It has more than {MAX_TIER_LINE} characters. Say one thing, as short as you can."
        if why:
            problems[line] = f"“{line[:60]}”: {why}"
    if problems:
        raise BrandRejected(problems)
    listed = []
    for stored in tier.features:
        listed += itertools.filterfalse(bullets.why_refused, bullets.split_lines(stored))
    tier.owner_lines = lines
    if lines == listed:
        tier.owner_lines = []
    _share_words(tier)
    return tier


def set_tier_picture(connection: Connection, tier_id: int, data: bytes | None) -> Tier:
    """Store an uploaded picture of what a tier does, or with None take away the one it has.

    After an upload that is Stripe's turn again. Stripe's own, once taken away, stays away until the product has another
    one. Raises NOT_FOUND, PICTURE_TOO_LARGE or the LOGO_ failures.
    """
    tier = get_tier(connection.account, tier_id)
    if data is not None:
        tier.picture, tier.picture_from, tier.picture_at = images.read_picture(data), UPLOAD, now()
        tier.picture_error = None
        for other in find_same(tier):
            copy_upload(tier, other)
        return tier
    for product in [tier, *find_same(tier)]:
        if tier.picture_from == product.picture_from == UPLOAD:
            product.picture_from = product.picture = product.picture_at = None
            jobs.enqueue("fetch_pictures", product.connection_id)
    tier.picture = tier.picture_at = None
    return tier


def _share_words(tier: Tier) -> None:
    """The owner's name and lines are those of the same tier in the other mode as well."""
    catalogue.place_tiers(tier.connection_id)
    for other in find_same(tier):
        other.owner_name, other.owner_lines = tier.owner_name, tier.owner_lines
        catalogue.place_tiers(other.connection_id)


def get_tier(account: Account, tier_id: int) -> Tier:
    """Raises NOT_FOUND."""
    query = select(Tier).join(Connection).where(Connection.account_id == account.id, Tier.id == tier_id)
    tier = db.session.scalar(query)
    if tier is None:
        raise ManimodError("NOT_FOUND")
    return tier


def rename_tier(connection: Connection, tier_id: int, name: str) -> Tier:
    """Give a tier the owner's name, or Stripe's if it is empty. Raises NOT_FOUND or one of the TIER_NAME_ failures."""
    tier = get_tier(connection.account, tier_id)
    name = " ".join(name.split())
    if len(name) > MAX_NAME_LENGTH or (not name and not tier.product_name):
        raise ManimodError("TIER_NAME_MISSING")
    tier.owner_name = name or None
    reasons = unprintable_tiers(connection, [tier])
    if name and reasons:
        raise ManimodError("TIER_NAME_UNPRINTABLE", why=reasons[tier_id])
    _share_words(tier)
    return tier

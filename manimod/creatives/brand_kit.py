"""Changing the brand kit: every text that comes from outside is judged before it is stored."""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from sqlalchemy import select

from manimod.creatives import briefs, logos
from manimod.creatives.engine import samples
from manimod.creatives.engine.brief import EVENTS, OFFER_KINDS, TONES, CreativeSet, Finding
from manimod.creatives.engine.copy import copywriter
from manimod.creatives.engine.copy.copywriter import printable_tier
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.policy.policy import LintContext
from manimod.customers.tiers import LONGEST_NAME
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, BrandKit, Connection, Tier
from manimod.models.accounts import now
from manimod.moments import record
from manimod.stripe import connections

MAX_LINES = 50  # banned words, proof and release notes of an account
MAX_OFFERS = 10
MAX_LENGTHS = {"name": 60, "landing_page": 500, "disclaimer": 200, "line": 160, "offer": 120, "code": 30}
LISTS = ("banned_words", "proof", "release_notes")
SAMPLES = {event: next(a for a in samples.AUDIENCES if a[0] == event and a[2] == "Team") for event in EVENTS}


class BrandRejected(ManimodError):
    """Nothing was stored. `problems`: field -> the sentence that says what to change."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("BRAND_REFUSED", problem=next(iter(problems.values())))


def read(account: Account, form: Mapping[str, str], offers: Sequence[Mapping[str, str]] = ()) -> BrandKit:
    """The kit as the form says, not stored and not judged; the logo stays."""
    kept = briefs.get_brand_kit(account)
    lists = {name: _lines(form.get(name, "")) for name in LISTS}
    return BrandKit(
        account_id=account.id,
        name=_clean(form.get("name", "")),
        primary_colour=_colour(form.get("primary_colour", ""), kept.primary_colour),
        accent_colour=_colour(form.get("accent_colour", ""), kept.accent_colour),
        tone=form.get("tone") if form.get("tone") in TONES else kept.tone,
        landing_page=form.get("landing_page", "").strip(),
        disclaimer=_clean(form.get("disclaimer", "")),
        offers=[_offer(row) for row in offers if _clean(row.get("text", ""))],
        logo=kept.logo,
        version=kept.version,
        **lists,
    )


def save(account: Account, draft: BrandKit, seen_version: int | None = None) -> None:
    """Store the draft. Raises BrandRefused, or BRAND_CHANGED where somebody else saved after this form was opened."""
    problems = _form_problems(draft)
    for field, findings in find_problems(account, draft).items():
        if field == "name" or policy.blocks(findings):
            problems.setdefault(field, findings[0].message)
    problems = problems or _audiences_without_copy(draft)
    if problems:
        raise BrandRejected(problems)
    kit = _locked(account)
    if seen_version is not None and seen_version != kit.version:
        raise ManimodError("BRAND_CHANGED")
    for column in (attribute.key for attribute in BrandKit.__table__.columns):
        if column not in ("account_id", "logo", "version"):
            setattr(kit, column, getattr(draft, column))
    _changed(account, kit)


def set_logo(account: Account, data: bytes | None) -> None:
    """Store an uploaded logo, or with None take it away. Raises the LOGO_ failures."""
    logo = None if data is None else logos.read(data)
    kit = _locked(account)
    kit.logo = logo
    _changed(account, kit)


def find_problems(account: Account, kit: BrandKit) -> dict[str, list[Finding]]:
    """Field -> what the rules find in it, blocking findings first."""
    brief = briefs.to_brief(kit, event="new_customer")
    context = briefs.lint_context(account, brief, briefs.stored_texts(kit))
    found = {"name": [f for f in policy.check_name(kit.name, context) if _matters(f)] if kit.name else []}
    found["disclaimer"] = policy.check_stored(kit.disclaimer, context) if kit.disclaimer else []
    for field in ("proof", "release_notes"):
        found[field] = [_quoting(f, text) for text in getattr(kit, field) for f in policy.check_stored(text, context)]
    texts = [offer["text"] for offer in kit.offers]
    found["offers"] = [_quoting(f, text) for text in texts for f in policy.check_stored(text, context)]
    return {field: sorted(findings, key=lambda f: f.severity) for field, findings in found.items() if findings}


def find_warnings(account: Account, kit: BrandKit) -> dict[str, list[str]]:
    """Field -> warnings in plain words: what is stored and allowed, but not used or not wise."""
    found = {field: [f.message for f in findings] for field, findings in find_problems(account, kit).items()}
    today = now().date()
    ended = [o.text for o in briefs.to_offers(kit) if not o.is_active(today)]
    found.setdefault("offers", []).extend(f"“{text}” has ended, so no ad mentions it any more." for text in ended)
    if not kit.landing_page:
        found["landing_page"] = ["Not set yet. Ads can be reviewed without it, and exported as soon as it is here."]
    left_out = _without_room(kit) if kit.disclaimer else []
    if left_out:
        found.setdefault("disclaimer", []).append(f"It leaves no room for ads on {', '.join(left_out)}.")
    return {field: list(dict.fromkeys(sentences)) for field, sentences in found.items() if sentences}


def sample(kit: BrandKit, event: str) -> CreativeSet:
    """What mani would write after an event for a sample audience. Raises studio.writer.Unwritable."""
    _, segment, tier, position = SAMPLES[event]
    return copywriter.write(briefs.to_brief(kit, event=event, segment=segment, tier=tier, tier_position=position))


def _form_problems(kit: BrandKit) -> dict[str, str]:
    problems = {}
    if not 1 <= len(kit.name) <= MAX_LENGTHS["name"]:
        problems["name"] = f"A brand needs a name of 1 to {MAX_LENGTHS['name']} characters."
    if kit.landing_page and not _is_web_address(kit.landing_page):
        problems["landing_page"] = "The landing page must be a full address that starts with https://."
    if len(kit.disclaimer) > MAX_LENGTHS["disclaimer"]:
        problems["disclaimer"] = f"A disclaimer has at most {MAX_LENGTHS['disclaimer']} characters."
    for field in LISTS:
        lines = getattr(kit, field)
        if len(lines) > MAX_LINES or any(len(line) > MAX_LENGTHS["line"] for line in lines):
            problems[field] = f"At most {MAX_LINES} lines of {MAX_LENGTHS['line']} characters each."
    if len(kit.offers) > MAX_OFFERS:
        problems["offers"] = f"At most {MAX_OFFERS} offers."
    for offer in kit.offers:
        if len(offer["text"]) > MAX_LENGTHS["offer"] or len(offer["code"] or "") > MAX_LENGTHS["code"]:
            problems["offers"] = (
                f"An offer has at most {MAX_LENGTHS['offer']} characters, its code at most {MAX_LENGTHS['code']}."
            )
        elif offer["ends_on"] and not briefs.to_date(offer["ends_on"]):
            problems["offers"] = "An end date is a day like 2027-01-31."
    return problems


def _audiences_without_copy(kit: BrandKit) -> dict[str, str]:
    """A kit with which no ad could be written any more, such as one that bans the word “your”."""
    try:
        for event in EVENTS:
            sample(kit, event)
    except copywriter.NoLegalCopy as refusal:
        finding = refusal.findings[0] if refusal.findings else None
        field = {"brand name": "name", "disclaimer": "disclaimer"}.get(finding.field if finding else "", "banned_words")
        why = f"“{finding.excerpt}”: {finding.message}" if finding and finding.excerpt else str(refusal)
        return {field: f"With this, mani can't write any ad. {why}"}
    return {}


def _without_room(kit: BrandKit) -> list[str]:
    try:
        variant = sample(kit, "new_customer").variants[0]
    except copywriter.NoLegalCopy:
        return []
    return [placement.label for name, placement in PLACEMENTS.items() if name not in variant.platforms]


def _locked(account: Account) -> BrandKit:
    """The stored kit; the account's row is locked, so that two people who save at once come one after the other."""
    db.session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    kit = db.session.get(BrandKit, account.id, populate_existing=True)
    if kit is None:
        kit = briefs.get_brand_kit(account)
        db.session.add(kit)
    return kit


def _changed(account: Account, kit: BrandKit) -> None:
    kit.version += 1
    connection = connections.get_for_account(account)
    if connection and connection.is_connected:
        record.release_blocked(connection)


def _matters(finding: Finding) -> bool:
    """A name may break style rules; what no ad may print, and what the font cannot draw, it may not."""
    return finding.rule_id in copywriter.UNPRINTABLE or finding.rule_id == "IMG-05"


def _quoting(finding: Finding, text: str) -> Finding:
    return Finding(**{**finding.to_json(), "message": f"“{text[:60]}”: {finding.message}"})


def _offer(row: Mapping[str, str]) -> dict:
    kind = row.get("kind")
    return {
        "text": _clean(row["text"]),
        "kind": kind if kind in OFFER_KINDS else OFFER_KINDS[0],
        "code": _clean(row.get("code", "")) or None,
        "ends_on": row.get("ends_on", "").strip() or None,
    }


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line for line in map(_clean, text.splitlines()) if line))


def _clean(text: str) -> str:
    """One line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _colour(text: str, kept: str) -> str:
    return "#" + text.strip().lstrip("#").lower() if re.fullmatch(r"\s*#?[0-9a-fA-F]{6}\s*", text) else kept


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        parts.port  # noqa: B018  raises for a port that is none
    except ValueError:
        return False
    plain = text.isprintable() and not re.search(r"[\s\"'<>\\]", text)
    return plain and parts.scheme == "https" and "." in host and not parts.username and len(text) <= 500


def unprintable_tiers(connection: Connection, tiers: list[Tier]) -> dict[int, str]:
    """Why the ads leave a tier's name out, by the tier's id; tiers whose name an ad may print are not in it."""
    names = {tier.id: tier.name for tier in tiers if tier.name}
    context = _tier_context(connection, names.values())
    why = {tier_id: printable_tier(name, context)[1] for tier_id, name in names.items()}
    return {tier_id: reason.rstrip(".") for tier_id, reason in why.items() if reason}


def rename_tier(connection: Connection, tier_id: int, name: str) -> Tier:
    """Give a tier the owner's name, which the next creative uses; an empty name goes back to Stripe's."""
    tier = db.session.scalar(select(Tier).where(Tier.connection_id == connection.id, Tier.id == tier_id))
    if tier is None:
        raise ManimodError("NOT_FOUND")
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME or (not name and not tier.product_name):
        raise ManimodError("TIER_NAME_MISSING")
    why = printable_tier(name, _tier_context(connection, [name]))[1] if name else None
    if why:
        raise ManimodError("TIER_NAME_UNPRINTABLE", why=why.rstrip("."))
    tier.owner_name = name or None
    return tier


def _tier_context(connection: Connection, names: Iterable[str]) -> LintContext:
    account = connection.account
    return LintContext(briefs.get_brand(account), customer_names=briefs.customers_in_full(account, names))

"""Changing the brand kit: every text that comes from outside is judged before it is stored."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from sqlalchemy import select

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.flow import brands, connections, generation, logos
from manimod.models import Account, BrandKit
from manimod.models.accounts import now
from manimod.studio import lint, preview, writer
from manimod.studio.brief import EVENTS, OFFER_KINDS, TONES, CreativeSet, Finding
from manimod.studio.specifications import PLACEMENTS

MOST_LINES = 50  # banned words, proof and release notes of an account
MOST_OFFERS = 10
LONGEST = {"name": 60, "landing_page": 500, "disclaimer": 200, "line": 160, "offer": 120, "code": 30}
LISTS = ("banned_words", "proof", "release_notes")
SAMPLES = {event: next(a for a in preview.AUDIENCES if a[0] == event and a[2] == "Team") for event in EVENTS}


class BrandRefused(ManimodError):
    """Nothing was stored. `problems`: field -> the sentence that says what to change."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("BRAND_REFUSED", problem=next(iter(problems.values())))


def read(account: Account, form: Mapping[str, str], offers: Sequence[Mapping[str, str]] = ()) -> BrandKit:
    """The kit as the form says, not stored and not judged; the logo stays."""
    kept = brands.kit_of(account)
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
    for field, findings in judge(account, draft).items():
        if field == "name" or lint.blocks(findings):
            problems.setdefault(field, findings[0].message)
    problems = problems or _unwritable(draft)
    if problems:
        raise BrandRefused(problems)
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


def judge(account: Account, kit: BrandKit) -> dict[str, list[Finding]]:
    """Field -> what the rules find in it, blocking findings first."""
    brief = brands.as_brief(kit, event="new_customer")
    context = brands.lint_context(account, brief, brands.stored_texts(kit))
    found = {"name": [f for f in lint.check_name(kit.name, context) if _matters(f)] if kit.name else []}
    found["disclaimer"] = lint.check_stored(kit.disclaimer, context) if kit.disclaimer else []
    for field in ("proof", "release_notes"):
        found[field] = [_quoting(f, text) for text in getattr(kit, field) for f in lint.check_stored(text, context)]
    texts = [offer["text"] for offer in kit.offers]
    found["offers"] = [_quoting(f, text) for text in texts for f in lint.check_stored(text, context)]
    return {field: sorted(findings, key=lambda f: f.severity) for field, findings in found.items() if findings}


def remarks(account: Account, kit: BrandKit) -> dict[str, list[str]]:
    """Field -> warnings in plain words: what is stored and allowed, but not used or not wise."""
    found = {field: [f.message for f in findings] for field, findings in judge(account, kit).items()}
    today = now().date()
    ended = [o.text for o in brands.as_offers(kit) if not o.is_active(today)]
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
    return writer.write(brands.as_brief(kit, event=event, segment=segment, tier=tier, tier_position=position))


def _form_problems(kit: BrandKit) -> dict[str, str]:
    problems = {}
    if not 1 <= len(kit.name) <= LONGEST["name"]:
        problems["name"] = f"A brand needs a name of 1 to {LONGEST['name']} characters."
    if kit.landing_page and not _is_web_address(kit.landing_page):
        problems["landing_page"] = "The landing page must be a full address that starts with https://."
    if len(kit.disclaimer) > LONGEST["disclaimer"]:
        problems["disclaimer"] = f"A disclaimer has at most {LONGEST['disclaimer']} characters."
    for field in LISTS:
        lines = getattr(kit, field)
        if len(lines) > MOST_LINES or any(len(line) > LONGEST["line"] for line in lines):
            problems[field] = f"At most {MOST_LINES} lines of {LONGEST['line']} characters each."
    if len(kit.offers) > MOST_OFFERS:
        problems["offers"] = f"At most {MOST_OFFERS} offers."
    for offer in kit.offers:
        if len(offer["text"]) > LONGEST["offer"] or len(offer["code"] or "") > LONGEST["code"]:
            problems["offers"] = (
                f"An offer has at most {LONGEST['offer']} characters, its code at most {LONGEST['code']}."
            )
        elif offer["ends_on"] and not brands.as_day(offer["ends_on"]):
            problems["offers"] = "An end date is a day like 2027-01-31."
    return problems


def _unwritable(kit: BrandKit) -> dict[str, str]:
    """A kit with which no ad could be written any more, such as one that bans the word “your”."""
    try:
        for event in EVENTS:
            sample(kit, event)
    except writer.Unwritable as refusal:
        finding = refusal.findings[0] if refusal.findings else None
        field = {"brand name": "name", "disclaimer": "disclaimer"}.get(finding.field if finding else "", "banned_words")
        why = f"“{finding.excerpt}”: {finding.message}" if finding and finding.excerpt else str(refusal)
        return {field: f"With this, mani can't write any ad. {why}"}
    return {}


def _without_room(kit: BrandKit) -> list[str]:
    try:
        variant = sample(kit, "new_customer").variants[0]
    except writer.Unwritable:
        return []
    return [placement.label for name, placement in PLACEMENTS.items() if name not in variant.platforms]


def _locked(account: Account) -> BrandKit:
    """The stored kit; the account's row is locked, so that two people who save at once come one after the other."""
    db.session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    kit = db.session.get(BrandKit, account.id, populate_existing=True)
    if kit is None:
        kit = brands.kit_of(account)
        db.session.add(kit)
    return kit


def _changed(account: Account, kit: BrandKit) -> None:
    kit.version += 1
    connection = connections.of_account(account)
    if connection and connection.is_connected:
        generation.release_held(connection)


def _matters(finding: Finding) -> bool:
    """A name may break style rules; what no ad may print, and what the font cannot draw, it may not."""
    return finding.rule_id in writer.UNPRINTABLE or finding.rule_id == "IMG-05"


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

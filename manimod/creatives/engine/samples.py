"""Sample sets of every event, for reading and for a preview before Stripe is connected."""

from collections.abc import Iterator
from datetime import date

from manimod.creatives.engine.brief import Brand, Brief, CreativeSet, Offer, OfferKind, Tone
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.facts.model import FactSource, ReleaseNote, TierFacts
from manimod.creatives.engine.facts.steps import read_tiers
from manimod.lifecycle import KINDS, TierPosition

PAGE = "https://www.example/"
BRANDS = (
    Brand(name="Northwind", landing_page=PAGE, support=f"{PAGE}help"),
    Brand(name="Lumen Studio", primary="#0f5c4d", accent="#ff7a59", tone=Tone.EXPERT, landing_page=PAGE),
    Brand(name="Paper Crane", primary="#f2c230", accent="#d8345f", tone=Tone.FRIENDLY, landing_page=PAGE),
)
# Per brand what its entry, middle and top tier contain: project management, video, stationery by post.
CONTENTS = (
    (
        ["3 boards", "Calendar view", "Email support"],
        ["Unlimited boards", "Timeline view", "Approvals", "20 automations a month"],
        ["Workload reports", "Single sign-on", "Guest access for clients", "500 automations a month"],
    ),
    (
        ["10 videos a month", "Subtitles in English", "Stock music"],
        ["50 videos a month", "Subtitles in 12 languages", "Brand templates", "Screen recording"],
        ["Unlimited videos", "Review links", "4K export", "Shared libraries"],
    ),
    (
        ["One notebook a month", "Recycled paper"],
        ["Two notebooks a month", "Ink of the season", "Gift wrapping"],
        ["Four notebooks a month", "Engraving", "A print by a guest artist", "First look at new papers"],
    ),
)
PAUSE = Offer(text="Pause for up to three months", kind=OfferKind.PAUSE)
TRIAL = Offer(text="Two weeks to try it", kind=OfferKind.TRIAL)
AUDIENCES = [(event, *sample) for event, kind in KINDS.items() for sample in kind.samples]
PLACES = (TierPosition.ENTRY, TierPosition.MIDDLE, TierPosition.TOP)


def sample_sets(today: date) -> Iterator[tuple[str, CreativeSet, Brand]]:
    """(name, set, brand) of every sample audience. Every other one has something stored."""
    for i, (event, segment, name, position) in enumerate(AUDIENCES):
        brand, stored = BRANDS[i % len(BRANDS)], {}
        if i % 2:
            notes = (ReleaseNote("Shared calendars", today), ReleaseNote("Faster search", today))
            stored = {"offers": (PAUSE, TRIAL), "release_notes": notes}
        place = PLACES.index(position) if position in PLACES else 1
        names = ["Starter", "Team", "Business"]
        names[place] = name
        tiers = _tiers(names, CONTENTS[i % len(BRANDS)])
        is_single = position == TierPosition.SINGLE
        brief = Brief(
            event=event,
            segment=segment,
            tier_facts=tiers[place],
            next_tier=tiers[place + 1] if place < len(tiers) - 1 and not is_single else None,
            lighter_tier=tiers[place - 1] if place and not is_single else None,
            brand=brand,
            today=today,
            **stored,
        )
        yield f"{event}-{segment}-{name}", write(brief), brand


def _tiers(names: list[str], contents: tuple[list[str], ...]) -> list[TierFacts]:
    lines = [(name, [(line, FactSource.STRIPE) for line in own]) for name, own in zip(names, contents, strict=True)]
    found = zip(names, read_tiers(lines), strict=True)
    return [TierFacts(name=name, facts=facts, has_year=True) for name, (facts, _) in found]

"""Sample sets of every event, for reading and for a preview before Stripe is connected."""

from collections.abc import Iterator
from datetime import date

from manimod.creatives.engine.brief import Brand, Brief, ExportItem, Offer, OfferKind, Tone
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.facts.model import TierFacts
from manimod.lifecycle import KINDS

PAGE = "https://www.example/"
BRANDS = (
    Brand(name="Northwind", landing_page=PAGE),
    Brand(name="Lumen Studio", primary="#0f5c4d", accent="#ff7a59", tone=Tone.EXPERT, landing_page=PAGE),
    Brand(name="Paper Crane", primary="#f2c230", accent="#d8345f", tone=Tone.PLAIN, landing_page=PAGE),
)
PAUSE = Offer(text="Pause for up to three months", kind=OfferKind.PAUSE)
TRIAL = Offer(text="Two weeks to try it", kind=OfferKind.TRIAL)
STORED = {"offers": (PAUSE, TRIAL), "release_notes": ("Shared calendars", "Faster search")}
AUDIENCES = [(event, *sample) for event, kind in KINDS.items() for sample in kind.samples]


def sample_sets(today: date) -> Iterator[ExportItem]:
    """A set of every sample audience. Every other one has something stored."""
    for i, (event, segment, tier, position) in enumerate(AUDIENCES):
        brand, stored = BRANDS[i % len(BRANDS)], STORED if i % 2 else {}
        tier_facts = TierFacts(name=tier, position=position)
        brief = Brief(event=event, segment=segment, tier_facts=tier_facts, brand=brand, today=today, **stored)
        yield ExportItem(f"{event}-{segment}-{tier}", write(brief), brand)

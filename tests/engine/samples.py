"""Two brands, their tiers, and every cell of event x segment x tier position x tone."""

import itertools
from dataclasses import replace
from datetime import date
from functools import cache

from manimod.creatives.engine.brief import EVENTS, Brand, Brief, Offer, Tone
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.facts.model import TierFacts
from manimod.lifecycle import Segment, TierPosition

TODAY = date(2026, 11, 22)
PLAIN = Brand(name="Northwind", landing_page="https://northwind.example/")
PICKY = Brand(
    name="Paper Crane Trading Company",
    primary="#f2c230",
    accent="#d8345f",
    landing_page="https://crane.example/",
    banned_terms=("cosy", "kettle"),
    disclaimer="Terms apply.",
)
TIERS = {
    PLAIN.name: {"entry": "Starter", "middle": "Team", "top": "Business", "single": "Membership"},
    PICKY.name: {"entry": "Étudiant", "middle": "Pro+", "top": "Team Workspace", "single": "2024 Early-Bird"},
}
STORED = {
    PLAIN.name: {},
    PICKY.name: {
        "offers": (
            Offer(text="20% off for three months", kind="discount", code="HELLO20"),
            Offer(text="Pause for up to three months", kind="pause"),
            Offer(text="Two weeks of the next plan to try", kind="trial"),
        ),
        "proof": ("Rated 4.8 of 5 by 1,200 customers",),
        "release_notes": ("Shared calendars", "Faster search"),
    },
}


def brief(event="renewed", segment="core", position="middle", brand=PLAIN, tier="Team", **more):
    tier_facts = TierFacts(name=tier, position=position) if tier or position else None
    return Brief(event=event, segment=segment, tier_facts=tier_facts, brand=brand, today=TODAY, **more)


@cache
def cells():
    """Every cell as (brief, creative set)."""
    found = []
    for brand, event, segment, position, tone in itertools.product((PLAIN, PICKY), EVENTS, Segment, TierPosition, Tone):
        asked = brief(
            event,
            segment,
            position,
            replace(brand, tone=tone),
            TIERS[brand.name][position],
            **STORED[brand.name],
        )
        found.append((asked, write(asked)))
    return found


def every_variant():
    return [(asked, made, variant) for asked, made in cells() for variant in made.variants]

"""Two brands, their tiers with what they contain, and every cell of event x segment x tier position."""

import itertools
import os
from dataclasses import replace
from datetime import date
from functools import cache

from manimod.creatives.engine.brief import EVENTS, Brand, Brief, Offer, Tone
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.facts.model import FactSource, Proof, ReleaseNote, TierFacts
from manimod.creatives.engine.facts.steps import read_tiers
from manimod.lifecycle import Segment, TierPosition

TODAY = date(2026, 11, 22)
PLAIN = Brand(name="Northwind", landing_page="https://northwind.example/")
PICKY = Brand(
    name="Paper Crane Trading Company",
    primary="#f2c230",
    accent="#d8345f",
    landing_page="https://crane.example/",
    support="https://crane.example/help",
    banned_terms=("board", "kettle"),
    disclaimer="Terms apply.",
)
TIERS = {
    PLAIN.name: {"entry": "Starter", "middle": "Team", "top": "Business", "single": "Membership"},
    PICKY.name: {"entry": "Étudiant", "middle": "Pro+", "top": "Team Workspace", "single": "2024 Early-Bird"},
}
CONTENTS = {
    "entry": ["3 boards", "Calendar view", "Email support", "5 GB of storage"],
    "middle": ["Unlimited boards", "Timeline view", "Approvals", "20 automations a month", "50 GB of storage"],
    "top": ["Workload reports", "Single sign-on", "Guest access for clients", "500 automations a month"],
    "single": ["Bank rules", "VAT returns", "12 reports a month", "Accountant access"],
}
STORED = {
    PLAIN.name: {},
    PICKY.name: {
        "offers": (
            Offer(text="20% off for three months", kind="discount", code="HELLO20"),
            Offer(text="Pause for up to three months", kind="pause"),
            Offer(text="Two weeks of the next plan to try", kind="trial"),
        ),
        "proof": (Proof.read("Rated 4.8 of 5 by 1,200 customers"),),
        "release_notes": (
            ReleaseNote("Shared calendars", date(2026, 9, 1)),
            ReleaseNote("Faster search", date(2026, 10, 1), "Pro+"),
        ),
    },
}


def tier_facts(position, name=None, lines=None, **more):
    """A tier with the facts that its lines say."""
    lines = CONTENTS[position or "single"] if lines is None else lines
    ((facts, _),) = read_tiers([(name or "", [(line, FactSource.STRIPE) for line in lines])])
    return TierFacts(name=name, facts=facts, **more)


def brief(event="renewed", segment="core", position="middle", brand=PLAIN, tier="Team", **more):
    """A brief of a tier with facts and with the neighbours that its position has."""
    names = TIERS.get(brand.name, TIERS[PLAIN.name])
    neighbours = {
        "next_tier": {"entry": "middle", "middle": "top"},
        "lighter_tier": {"middle": "entry", "top": "middle"},
    }
    for role, places in neighbours.items():
        if position in places:
            more.setdefault(role, tier_facts(places[position], names[places[position]]))
    more.setdefault("tier_facts", tier_facts(position, tier) if tier or position else None)
    return Brief(event=event, segment=segment, brand=brand, today=TODAY, **more)


def bare_brief(**asked):
    """A brief of an account of which nothing is known but names."""
    return replace(brief(**asked), tier_facts=TierFacts(name="Team"), next_tier=None, lighter_tier=None)


@cache
def cells():
    """Every cell of event, segment, position and brand as (brief, creative set), in one tone after the other.

    `EVERY_TONE=1 pytest tests/engine` writes each cell in every tone.
    """
    found = []
    places = itertools.product(EVENTS, Segment, TierPosition, (PLAIN, PICKY))
    for number, (event, segment, position, brand) in enumerate(places):
        name = TIERS[brand.name][position]
        for tone in Tone if "EVERY_TONE" in os.environ else [list(Tone)[number % len(Tone)]]:
            asked = brief(event, segment, position, replace(brand, tone=tone), name, **STORED[brand.name])
            found.append((asked, write(asked)))
    return found


def every_variant():
    return [(asked, made, variant) for asked, made in cells() for variant in made.variants]


def every_text(variant):
    texts = [text for copy in variant.platforms.values() for _, _, text in copy.texts()]
    return [variant.headline, variant.body, *texts]

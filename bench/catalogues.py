"""Example accounts for the creative bench: catalogues as Stripe returns them, stored and read as mani does it.

The folder of catalogues is not part of this project: BENCH_CATALOGUES names it (a JSON file an account: `account`,
`products` and `prices` as Stripe lists them). Without one, the accounts of the Stripe sandbox's demo stand in.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from bench.stage import Stage
from manimod.creatives import briefs
from manimod.creatives.engine.brief import Brand, Brief, Offer, OfferKind
from manimod.creatives.engine.facts import proposals
from manimod.creatives.engine.facts.model import Proof, ReleaseNote, TierFacts
from manimod.customers import catalogue, replica
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Tier
from manimod.stripe.catalogue import read_price, read_product, read_profile
from manimod.stripe.reader import Reader
from tests import factories

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("BENCH_CATALOGUES", HERE.parent.parent / "shared" / "domain" / "catalogues"))
TODAY = date(2026, 11, 28)
# What every other account has stored beside its catalogue.
STORED = {
    "offers": (
        Offer(text="20% off for three months", kind=OfferKind.DISCOUNT, code="BACK20", ends_on=date(2027, 3, 31)),
        Offer(text="Pause for up to three months", kind=OfferKind.PAUSE),
        Offer(text="14 days to try it", kind=OfferKind.TRIAL),
    ),
    "proof": (Proof.read("Rated 4.8 of 5 by 1,200 customers"),),
    "release_notes": (ReleaseNote("Shared calendars", date(2026, 10, 1)), ReleaseNote("Faster search")),
}


@dataclass(frozen=True)
class ExampleAccount:
    """`briefs`: one for each tier, and one for customers without a subscription, before event and segment are set."""

    name: str
    briefs: list[Brief]


def accounts() -> Iterator[ExampleAccount]:
    """The accounts of the catalogues, every other one with offers, proof and release notes, then bare ones."""
    with Stage() as stage, stage.database("sqlite") as url, stage.app(url).app_context():
        for number, path in enumerate(sorted(FOLDER.glob("*.json"))):
            example = _read(json.loads(path.read_text(encoding="utf-8")))
            if number % 2:
                example = replace(example, briefs=[replace(brief, **STORED) for brief in example.briefs])
            yield example
    yield from _bare()


def _read(stored: dict) -> ExampleAccount:
    """One account with its catalogue in the database, as after a sync; its owner has confirmed what is proposed."""
    profile = read_profile(Reader(stored["account"]))
    account = factories.make_account(name=profile.get("name") or "Example")
    connection = factories.make_connection(account, livemode=True, profile=profile)
    with transaction():
        replica.upsert_prices(connection.id, filter(None, map(read_price, map(Reader, stored["prices"]["data"]))))
        products = filter(None, map(read_product, map(Reader, stored["products"]["data"])))
        replica.update_tiers(connection.id, products)
        for tier in db.session.query(Tier).filter_by(connection_id=connection.id):
            tier.owner_lines = [] if tier.features else proposals.propose(tier.description, tier.notes or {})
        db.session.flush()
        catalogue.place_tiers(connection.id)
    found = []
    names = {
        tier.name
        for tier in db.session.query(Tier).filter_by(connection_id=connection.id)
        if tier.is_sold and tier.name
    }
    for name in sorted(names):
        found.append(_brief(account, **briefs.get_tiers(account, name=name)))
    found.append(_brief(account, tier_facts=None))
    return ExampleAccount(account.name, found)


def _brief(account: Account, **tiers: TierFacts | None) -> Brief:
    brief = briefs.get_brief(account, event="renewed", **tiers)
    return replace(brief, today=TODAY, seed=str(account.id))


def _bare() -> Iterator[ExampleAccount]:
    """Accounts with names alone: the most that a new owner may have stored."""
    for seed, name in enumerate(("Hollis & Wren", "Tarn Street", "Pellucid Notes"), 1000):
        brand = Brand(name=name, landing_page="https://www.example/")
        found = [Brief(event="renewed", brand=brand, today=TODAY, seed=str(seed))]
        for tier in ("Basic", "Plus", "Studio"):
            found.append(replace(found[0], tier_facts=TierFacts(name=tier)))
        yield ExampleAccount(name, found)

from dataclasses import dataclass
from datetime import date
from .brief import Finding


@dataclass(frozen=True)
class LintContext:
    brand: object = None
    tier: str | None = None
    offers: tuple = ()
    proof: tuple = ()
    customer_names: tuple = ()
    audience_size: int | None = None
    objective: str | None = None
    today: date | None = None

    @classmethod
    def of(cls, brief, **more):
        return cls(brand=brief.brand, tier=brief.tier, offers=brief.offers, proof=brief.proof, objective=brief.objective, today=brief.today, **more)


def check(variant, context): return []
def check_text(text, field, platform, context): return []
def check_name(text, context): return []
def check_stored(text, context): return []
def blocks(findings): return [f for f in findings if f.severity == "block"]

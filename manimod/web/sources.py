"""Where each sentence of an ad rests: the numbers beside it, and the stored texts that they lead to."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import url_for

from manimod.creatives import briefs
from manimod.creatives.engine.brief import Claim, ClaimKind
from manimod.creatives.engine.copy import claims
from manimod.creatives.engine.facts.model import FactSource
from manimod.models import Tier

NAMES = {ClaimKind.BRAND, ClaimKind.TIER, ClaimKind.SUBSCRIPTION}
# kind -> what it is called, and the part of the brand page where it is changed. What is not here belongs to a tier.
IN_BRAND_KIT = {
    ClaimKind.BRAND: ("Name in the brand kit", "name"),
    ClaimKind.SUPPORT: ("Where customers get help", "support"),
    ClaimKind.TRIAL: ("Approved offer", "offers"),
    ClaimKind.PAUSE: ("Approved offer", "offers"),
    ClaimKind.DISCOUNT: ("Approved offer", "offers"),
    ClaimKind.PROOF: ("Proof in the brand kit", "proof"),
    ClaimKind.RELEASE: ("Release note", "releases"),
}


class StoredText(NamedTuple):
    """What a sentence rests on. `where` it is stored, in words; `address`: of the page where it is changed."""

    text: str
    where: str
    address: str


class Sources:
    """The sources of one ad, in the order in which its texts state them, then what its picture alone states."""

    def __init__(self, variant: dict[str, Any], tiers: list[Tier]) -> None:
        self.claims = [Claim(**fields) for fields in variant.get("claims", ())]
        self.tiers = tiers
        self.numbers: dict[StoredText, int] = {}
        for text in texts_of(variant):
            self.sentences(text)
        self.said = len(self.numbers)
        for claim in self.claims:
            if claim.kind not in NAMES:
                self._number(claim)

    def sentences(self, text: str) -> list[tuple[str, list[int]]]:
        """The sentences of a text, each with the numbers of what it states; of its names only where that is all."""
        found = []
        for sentence in re.split(r"(?<=[.!?…]) +", text):
            said = [claim for claim in self.claims if claims.is_said(claim, sentence)]
            stated = [claim for claim in said if claim.kind not in NAMES] or said
            found.append((sentence, sorted({self._number(claim) for claim in stated})))
        return found

    def _number(self, claim: Claim) -> int:
        return self.numbers.setdefault(self._find(claim), len(self.numbers) + 1)

    def _find(self, claim: Claim) -> StoredText:
        if claim.kind in IN_BRAND_KIT:
            name, part = IN_BRAND_KIT[ClaimKind(claim.kind)]
            return StoredText(claim.basis, name, url_for("brand.show", _anchor=part))
        anchor, where = "tiers", "Stripe’s product"
        if tier := briefs.find_tier(self.tiers, None, claim.tier):
            anchor = f"tier-{tier.id}"
        if claim.source == FactSource.OWNER:
            where = "Your words"
        if claim.kind == ClaimKind.LACKS:
            where += " without it"
        if claim.tier and claim.tier != claim.basis:
            where += f", {claim.tier}"
        return StoredText(claim.basis, where, url_for("settings.show", _anchor=anchor))


def texts_of(variant: dict[str, Any]) -> Iterator[str]:
    yield variant["headline"]
    yield variant["body"]
    for copy in variant["platforms"].values():
        for texts in copy["fields"].values():
            yield from texts

"""Writes docs/ads.md: forty ads as they would run, unedited, chosen by a fixed seed, with the facts they use.

python -m bench.ads
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench import catalogues
from manimod.creatives.engine.brief import EVENTS, Brief, Variant
from manimod.creatives.engine.copy import copywriter
from manimod.lifecycle import KINDS, Segment

SEED, COUNT = 20261128, 40
PAGE = Path(__file__).parent.parent / "docs" / "ads.md"
HEAD = """# Forty ads

As they would run, unedited. `python -m bench.ads` writes this page: it stores example accounts as mani stores a Stripe
account, writes every set of each, and picks forty ads with the seed {seed} out of {total:,}. The text is that of the
picture; each placement has its own texts beside it. Below each: the audience, the angle and the facts it rests on.
"""


def write_page() -> None:
    every = list(ads())
    chosen = random.Random(SEED).sample(every, COUNT)
    lines = [HEAD.format(seed=SEED, total=len(every))]
    for number, (brief, ad) in enumerate(chosen, 1):
        audience = f"{KINDS[brief.event].noun}, {brief.tier or 'no tier'}"
        if brief.segment:
            audience += f", {Segment(brief.segment).label.lower()}"
        facts = "; ".join(dict.fromkeys(claim.basis for claim in ad.claims if claim.kind == "fact")) or "names alone"
        lines.append(f"{number}. **{ad.headline}** {ad.body}  ")
        lines.append(f"   <sub>{brief.brand.name}: {audience}. {ad.angle_name}. {facts}</sub>")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ads() -> Iterator[tuple[Brief, Variant]]:
    """Every ad of the first round, audience by audience, as an account's open sets would stand side by side."""
    for account in catalogues.accounts():
        used: dict[str, int] = {}
        seen = set()
        for brief in account.briefs:
            for event, segment in itertools.product(EVENTS, Segment):
                asked = replace(brief, event=event, segment=segment, used_phrases=dict(used))
                asked = replace(asked, segment=copywriter.shared_segment(asked))
                if (event, asked.segment, asked.tier) in seen:
                    continue
                seen.add((event, asked.segment, asked.tier))
                for ad in copywriter.write(asked).variants:
                    for phrase in ad.phrases:
                        used[phrase] = used.get(phrase, 0) + 1
                    yield asked, ad


if __name__ == "__main__":
    write_page()

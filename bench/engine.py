"""The creative engine: sets without and with their pictures, on one core, with memory over 1,000 sets."""

import itertools
import statistics
import time
from dataclasses import replace
from datetime import date

from bench.figures import Figure
from bench.stage import peak_megabytes
from manimod.creatives.engine.ad_names import AdNames
from manimod.creatives.engine.brief import EVENTS, Brand, Brief, ExportItem, Tone
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.facts.model import TierFacts
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.policy.platforms import MASTERS
from manimod.creatives.engine.sheets import archive
from manimod.lifecycle import Segment, TierPosition

TODAY = date(2026, 11, 22)
BRAND = Brand(name="Northwind", landing_page="https://northwind.example/")


def measure() -> list[Figure]:
    asked = list(itertools.islice(briefs(), 200))
    sets = [write(brief) for brief in asked[:20]]  # opens the font and the phrase library
    variant = sets[0].variants[0]
    svg = picture.draw(variant, BRAND, "1080x1080")
    before = peak_megabytes()
    thousand = seconds(lambda: [write(brief) and None for brief in itertools.islice(briefs(), 1000)])
    grown = peak_megabytes() - before
    drawn, png = median_ms(with_masters, asked[::2]), median_ms(picture.rasterise, different(svg, 15))
    return [
        Figure("engine", "one set, texts and policy", median_ms(write, asked), "ms"),
        Figure("engine", "one set with its 15 SVG masters", drawn, "ms", goal="<= 60 ms", is_met=drawn <= 60),
        Figure("engine", "sets, 1,000 in a row", 1000 / thousand, "sets/s"),
        Figure("engine", "memory growth over 1,000 sets", grown, "MB", goal="flat"),
        Figure("engine", "one SVG master 1080x1080", median_ms(draw_fresh(variant), range(200)), "ms"),
        Figure("engine", "size of that SVG", len(svg) / 1000, "kB"),
        Figure("engine", "PNG 1080x1080", png, "ms", goal="<= 300 ms", is_met=png <= 300),
        Figure("engine", "export of one set with 27 PNG", median_ms(export_one, sets[:3]), "ms"),
    ]


def briefs():
    """Different briefs without end: another tier name in every turn."""
    for turn in itertools.count():
        for event, segment, position, tone in itertools.product(EVENTS, Segment, TierPosition, Tone):
            brand = replace(BRAND, tone=tone)
            tier = f"Tier {turn}" if turn else position.capitalize()
            yield Brief(event=event, segment=segment, tier_facts=TierFacts(name=tier), brand=brand, today=TODAY)


def with_masters(brief):
    for variant in write(brief).variants:
        for canvas in MASTERS:
            picture.draw(variant, brief.brand, canvas)


def draw_fresh(variant):
    """Draws another headline each time, so that nothing but the glyphs is remembered."""
    return lambda i: picture.draw(replace(variant, headline=f"{variant.headline} {i}"), BRAND, "1080x1080")


def different(svg, count):
    """The picture with other titles, which nobody sees, so that none is remembered."""
    return [svg.replace("<title>", f"<title>{i} ", 1) for i in range(count)]


def export_one(made):
    own = {"event": made.event, "tier": made.tier, "segments": made.segments, "start": TODAY, "end": TODAY}
    item = ExportItem(AdNames(creative_id=1, round=0, **own), made, tuple(range(len(made.variants))), BRAND)
    for _ in archive.zip_files(archive.pictures(item)):
        pass


def median_ms(work, inputs):
    return 1000 * statistics.median(seconds(lambda value=value: work(value)) for value in inputs)


def seconds(work):
    """Processor time, so that neighbours on the machine do not count."""
    start = time.process_time()
    work()
    return time.process_time() - start

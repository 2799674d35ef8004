"""The sample sets: every event, and an account's own brand."""

from manimod.creatives.engine import samples
from manimod.creatives.engine.brief import EVENTS
from tests.engine.samples import TODAY


def test_every_event_has_a_sample():
    assert {made.event for _, made, _ in samples.sample_sets(TODAY)} == set(EVENTS)

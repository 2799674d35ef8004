"""The sample sets: every event, and an account's own brand."""

from manimod.creatives.engine import samples
from manimod.creatives.engine.brief import EVENTS
from tests.engine.samples import PICKY, TODAY


def test_every_event_has_a_sample():
    assert {item.creative_set.event for item in samples.sample_sets(TODAY)} == set(EVENTS)


def test_an_account_sees_its_own_brand():
    items = list(samples.sample_sets(TODAY, brands=(PICKY,)))
    assert {item.brand for item in items} == {PICKY}
    assert len({item.name for item in items}) == len(items)

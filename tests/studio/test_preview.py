"""The sample sets: every event, an account's own brand, and the contact sheet."""

from manimod.studio import preview
from manimod.studio.brief import EVENTS
from tests.studio.samples import PICKY, TODAY


def test_every_event_has_a_sample():
    assert {item.creative_set.event for item in preview.sample_sets(TODAY)} == set(EVENTS)


def test_an_account_sees_its_own_brand():
    items = list(preview.sample_sets(TODAY, brands=(PICKY,)))
    assert {item.brand for item in items} == {PICKY}
    assert len({item.name for item in items}) == len(items)

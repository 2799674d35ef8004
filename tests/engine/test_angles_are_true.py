"""An angle that needs something which is not stored is skipped, never invented; there are always three."""

from datetime import date

import pytest

from manimod.creatives.engine.brief import EVENTS, Offer
from manimod.creatives.engine.copy import angles
from manimod.creatives.engine.copy.copywriter import write
from manimod.lifecycle import Segment, TierPosition
from tests.engine.samples import brief


def ids(**asked):
    return {angle.id for angle in angles.candidates(brief(**asked))}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("segment", [*Segment, None])
@pytest.mark.parametrize("position", [*TierPosition, None])
def test_three_angles_without_anything_stored(event, segment, position):
    assert len({a.id for a in angles.candidates(brief(event, segment, position))[:3]}) == 3


def test_proof_and_news_angles_need_proof_and_news():
    assert not ids(event="cancelled") & {"W1", "W6", "W7"}
    assert {"W1", "W6"} <= ids(event="cancelled", release_notes=("Shared calendars",))
    assert "W7" in ids(event="cancelled", proof=("Rated 4.8 of 5",))


def test_trial_and_pause_need_an_active_offer():
    ended = Offer(text="Two weeks to try it", kind="trial", ends_on=date(2026, 11, 21))
    assert "U6" not in ids() | ids(offers=(ended,))
    assert "U6" in ids(offers=(Offer(text="Two weeks to try it", kind="trial"),))
    assert "W4" not in ids(event="cancelled")


def test_the_top_tier_is_offered_no_higher_one():
    assert not ids(position="top") & {"U1", "U3"}


def test_a_single_tier_is_offered_no_lighter_one():
    assert "W3" not in ids(event="cancelled", position="single")


PAUSE, DISCOUNT = Offer(text="Pause for up to three months", kind="pause"), Offer(text="20% off for three months")


def later(**asked):
    """The days and angles of a set's ads for later."""
    made = write(brief("cancelled", **asked))
    return [(v.from_day, v.angle) for v in made.variants if v.from_day]


def test_a_pause_is_offered_from_day_30_and_a_discount_from_day_60():
    assert later(offers=(DISCOUNT, PAUSE)) == [(30, "W4"), (60, "W5")]
    assert later() == []


def test_what_comes_later_is_added_to_three_ads_for_the_start():
    made = write(brief("cancelled", "core", "entry", offers=(DISCOUNT, PAUSE)))
    assert [v.from_day for v in made.variants] == [None, None, None, 30, 60]


def test_an_offer_that_ends_before_its_day_is_not_told():
    assert later(offers=(Offer(text="20% off", ends_on=date(2027, 1, 20)),)) == []
    assert later(offers=(Offer(text="20% off", ends_on=date(2027, 1, 21)),)) == [(60, "W5")]


def test_low_value_gets_no_discount_by_default():
    assert later(segment="core", offers=(DISCOUNT,)) == [(60, "W5")]
    assert later(segment="low", offers=(DISCOUNT,)) == []


def test_an_annual_tier_is_not_asked_to_think_of_a_year():
    assert "U2" not in ids(tier="team (annual)")


def test_an_approved_offer_is_printed_with_its_code_and_date():
    offer = Offer(text="20% off for three months.", code="HELLO20", ends_on=date(2027, 3, 31))
    made = write(brief("cancelled", "core", "entry", offers=(offer,)))
    texts = [f"{v.headline} {v.body}" for v in made.variants if v.angle == "W5"]
    assert texts
    assert all("20% off for three months with code HELLO20, until 31 March 2027" in text for text in texts)


def test_stored_texts_that_break_the_rules_are_left_out_with_a_reason():
    made = write(brief("cancelled", "core", proof=("Guaranteed!! The #1 app",), release_notes=("Call 555-0100 now",)))
    assert not {"W1", "W6", "W7"} & {v.angle for v in made.variants}
    assert sum("break the rules" in reason for reason in made.reasons) == 2


def test_an_offer_that_breaks_the_rules_is_left_out_with_a_reason():
    made = write(brief("cancelled", "core", offers=(Offer(text="50% OFF!!! Click here"),), round=1))
    assert "W5" not in {v.angle for v in made.variants}
    assert any("1 stored offers that break the rules" in reason for reason in made.reasons)


def test_a_new_customer_is_not_reminded_of_what_is_not_there_yet():
    for position in TierPosition:
        assert not ids(event="new_customer", segment="new", position=position) & {"R1", "R4", "R7"}

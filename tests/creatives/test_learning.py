"""What an account approves comes sooner and more often, what it refuses later and less; nothing is starved."""

from dataclasses import replace

import pytest

from manimod.creatives import editing, learning, review
from manimod.creatives.engine.brief import Offer, Preferences
from manimod.creatives.engine.copy import copywriter
from manimod.creatives.learning import Decision
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models.states import CreativeStatus, RejectionReason, ReviewAction
from tests import factories
from tests.browser.filling import make_creative
from tests.engine.samples import brief


@pytest.fixture
def decide(account, owner):
    """A person decides about a new set of ads: `decide("rejected", about="topic")`; returns the creative."""

    def act(status: str, **said: object):
        with transaction():
            creative = make_creative(account, is_test=False)
            db.session.add(creative)
            db.session.flush()
            review.decide(creative, CreativeStatus(status), owner, **said)
        return creative

    return act


def angles_of(creative) -> set[str]:
    return {ad["angle"] for ad in creative.content["variants"]}


def test_without_decisions_nothing_is_preferred(account):
    assert learning.get_preferences(account) == learning.Preferences({}, {})
    assert learning.in_words(account) == []


@pytest.mark.both_databases
def test_what_is_approved_weighs_more_and_what_is_refused_less(account, decide):
    creative = decide("approved")
    weights = learning.get_preferences(account).angles
    assert set(weights) == angles_of(creative)
    assert all(1 < weight <= 1.5 for weight in weights.values())
    for _ in range(5):
        decide("rejected")
    weights = learning.get_preferences(account).angles
    assert all(0.5 <= weight < 1 for weight in weights.values())


def test_what_an_approval_leaves_out_counts_as_refused(account, decide):
    creative = decide("approved", left_out=[0])
    refused, *kept = [ad["angle"] for ad in creative.content["variants"]]
    weights = learning.get_preferences(account).angles
    assert weights[refused] < 1 < min(weights[angle] for angle in kept)


def test_a_decision_that_is_taken_back_counts_no_more(account, owner, decide):
    creative = decide("rejected")
    with transaction():
        review.decide(creative, CreativeStatus.WAITING, owner)
    assert learning.get_preferences(account).angles == {}


@pytest.mark.parametrize(
    ("about", "counts"),
    [
        ("topic", {"angles"}),
        ("wording", {"phrases"}),
        ("untrue", {"phrases"}),
        ("picture", set()),
        (None, {"angles", "phrases"}),
    ],
)
def test_the_reason_decides_what_a_rejection_counts_against(account, decide, about, counts):
    decide("rejected", about=about)
    preferences = learning.get_preferences(account)
    assert {name for name in ("angles", "phrases") if getattr(preferences, name)} == counts


def test_an_edit_counts_against_the_wording_of_the_edited_ad_alone(account, owner, decide):
    creative = decide("approved")
    with transaction():
        review.decide(creative, CreativeStatus.WAITING, owner)
        editing.edit(creative, 0, {"headline": "Say it in another way"}, owner, None)
    preferences = learning.get_preferences(account)
    assert preferences.angles == {}
    assert set(preferences.phrases) == set(creative.content["variants"][0]["phrases"])
    assert all(weight < 1 for weight in preferences.phrases.values())


def test_a_new_version_counts_against_the_old_one(account, owner, decide):
    creative = decide("approved")
    before = angles_of(creative)
    with transaction():
        review.decide(creative, CreativeStatus.WAITING, owner)
        editing.rewrite(creative, owner, None)
    assert {angle for angle, weight in learning.get_preferences(account).angles.items() if weight < 1} == before


def test_what_is_learnt_is_said_in_words(account, decide):
    for _ in range(4):
        creative = decide("rejected", about="topic")
    name = creative.content["variants"][0]["angle_name"]
    assert f"You refused “{name}” 4 times, so it comes later and less often." in learning.in_words(account)


def test_another_accounts_decisions_do_not_count(account, decide):
    decide("rejected")
    assert learning.get_preferences(factories.make_account()).angles == {}


def test_the_brand_page_says_what_was_learnt(as_owner, account, decide):
    assert "What your decisions say" not in as_owner.get("/settings/brand").text
    for _ in range(3):
        decide("rejected", about="topic")
    page = as_owner.get("/settings/brand").text
    assert "What your decisions say" in page
    assert "3 times, so it comes later and less often." in page


def weights_after(*decisions: tuple[ReviewAction, str]) -> dict[str, float]:
    """The weights of angles after decisions about sets, each written as the letters of its angles."""
    found = []
    for action, letters in decisions:
        about = RejectionReason.TOPIC if action == ReviewAction.REJECTED else None
        found.append(Decision(action, about, [{"angle": letter} for letter in letters]))
    return learning.learn(found).angles


APPROVED, REJECTED = ReviewAction.APPROVED, ReviewAction.REJECTED


def test_what_all_refused_sets_have_in_common_is_blamed_for_them():
    weights = weights_after(*[(REJECTED, "XAB"), (REJECTED, "XCD"), (APPROVED, "ABC"), (APPROVED, "BDE")] * 2)
    assert weights["X"] < 0.7
    assert all(weights[angle] > 1 for angle in "ABCDE")


def test_one_refusal_among_many_approvals_changes_little():
    approved = [(APPROVED, "ABC")] * 9
    before, after = weights_after(*approved), weights_after(*approved, (REJECTED, "ABC"))
    assert all(1.2 < after[angle] < before[angle] for angle in "ABC")


def test_two_refusals_put_no_angle_last(account, decide):
    decide("rejected")
    decide("rejected")
    assert learning.in_words(account) == []
    assert min(weights_after((REJECTED, "ABC"), (REJECTED, "ABC")).values()) > 0.85


def sets_with(angle: str, weight: float, asked, sets: int = 80) -> int:
    """Of the sets of so many accounts, those that have an ad of an angle with such a weight."""
    found = 0
    for seed in range(sets):
        content = copywriter.write(asked(seed=str(seed), preferences=Preferences(angles={angle: weight})))
        found += angle in {ad.angle for ad in content.variants}
    return found


def test_a_refused_angle_comes_last_and_is_still_tried_in_one_set_of_eight():
    def asked(**more):
        return brief("payment_failed", "core", "middle", **more)

    assert sets_with("R1", 1.0, asked, sets=20) == 20
    assert 4 <= sets_with("R1", 0.6, asked) <= 18


def test_a_refused_angle_comes_after_liked_ones_whose_wordings_open_ads_have():
    asked = brief("payment_failed", "core", "middle", seed="7", preferences=Preferences(angles={"R1": 0.6}))
    used = {}
    for seed in range(40):
        for ad in copywriter.write(brief("payment_failed", "core", "middle", seed=str(seed))).variants:
            if ad.angle != "R1":
                used |= dict.fromkeys(ad.phrases, 1)
    written = copywriter.write(replace(asked, used_phrases=used))
    assert "R1" not in {ad.angle for ad in written.variants}


def test_a_refused_offer_for_later_is_left_out():
    def asked(**more):
        return brief("cancelled", "core", "middle", offers=(Offer(text="Pause for a month", kind="pause"),), **more)

    assert sets_with("W4", 1.0, asked, sets=20) == 20
    assert 4 <= sets_with("W4", 0.6, asked) <= 18

"""What an account approves comes sooner and more often, what it refuses later and less; nothing is starved."""

import pytest

from manimod.creatives import learning, review
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models.states import CreativeStatus
from tests import factories
from tests.browser.filling import make_creative


@pytest.fixture
def decide(account, owner):
    """A person decides about a new set of ads: `decide("rejected", about="topic")`; returns the creative."""

    def act(status: str, **said: str):
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
        review.edit(creative, 0, {"headline": "Say it in another way"}, owner, None)
    preferences = learning.get_preferences(account)
    assert preferences.angles == {}
    assert set(preferences.phrases) == set(creative.content["variants"][0]["phrases"])
    assert all(weight < 1 for weight in preferences.phrases.values())


def test_a_new_version_counts_against_the_old_one(account, owner, decide):
    creative = decide("approved")
    before = angles_of(creative)
    with transaction():
        review.decide(creative, CreativeStatus.WAITING, owner)
        review.rewrite(creative, owner, None)
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

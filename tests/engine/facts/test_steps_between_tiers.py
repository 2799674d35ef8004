"""What a larger tier adds, what grows and what stays, read from the lines of both."""

import json
from pathlib import Path

import pytest

from manimod.creatives.engine.facts.model import FactSource, TierFacts
from manimod.creatives.engine.facts.proposals import propose
from manimod.creatives.engine.facts.steps import compare, read_tiers

CATALOGUES = sorted((Path(__file__).parents[4] / "shared" / "domain" / "catalogues").glob("*.json"))


def tiers(lines_by_tier):
    lines = [(name, [(text, FactSource.STRIPE) for text in texts]) for name, texts in lines_by_tier.items()]
    read = zip(lines_by_tier, read_tiers(lines), strict=True)
    return {name: TierFacts(name=name, facts=facts, inherited=inherited) for name, (facts, inherited) in read}


def phrases(facts):
    return [fact.phrase for fact in facts]


def test_a_step_adds_what_only_the_larger_tier_has():
    plans = tiers({"Solo": ["Invoices", "Email support"], "Studio": ["Email support", "Client portal"]})
    step = compare(plans["Solo"], plans["Studio"])
    assert phrases(step.adds) == ["a client portal"]
    assert phrases(step.keeps) == ["email support"]
    assert step.leaves_out == step.adds


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ("3 boards", "Unlimited boards"),
        ("1 pipeline", "2 pipelines"),
        ("20 automations a month", "500 automations / mo"),
        ("50 credits a month", "Unlimited credits"),
        ("7 day logs", "30 day logs"),
        ("Retries for up to 4h", "Retries for up to 24h"),
        ("100 GB of storage", "1 TB of storage"),
    ],
)
def test_one_thing_in_two_sizes_grows(smaller, larger):
    plans = tiers({"Small": [smaller], "Large": [larger]})
    step = compare(plans["Small"], plans["Large"])
    assert [(lower.text, upper.text) for lower, upper in step.grows] == [(smaller, larger)]
    assert step.adds == ()


def test_a_reference_to_another_tier_keeps_its_facts_and_those_that_it_inherits():
    plans = tiers(
        {
            "Gold": ["Everything in Silver", "Sauna & steam room"],
            "Silver": ["Everything in Bronze, plus:", "Group classes"],
            "Bronze": ["Locker rental", "Open gym"],
        }
    )
    step = compare(plans["Silver"], plans["Gold"])
    assert phrases(step.adds) == ["the sauna and steam room"]
    assert phrases(step.keeps) == ["group classes", "locker rental", "open gym"]


def test_an_inherited_amount_gives_way_to_the_tiers_own():
    plans = tiers(
        {"Basic": ["2 users", "100 GB of storage"], "Pro": ["Everything in Basic", "10 users", "1 TB of storage"]}
    )
    assert plans["Pro"].inherited == ()


def test_tiers_that_refer_to_each_other_or_to_none_inherit_nothing_twice():
    plans = tiers({"A": ["Everything in B", "Maps"], "B": ["Everything in A", "Charts"], "C": ["Everything in Z"]})
    assert phrases(plans["A"].inherited) == ["charts"]
    assert phrases(plans["B"].inherited) == ["maps"]
    assert plans["C"].inherited == ()


@pytest.mark.skipif(not CATALOGUES, reason="the example catalogues lie beside the project, not here")
@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_the_steps_of_an_example_catalogue_add_what_a_person_finds(path):
    catalogue = json.loads(path.read_text(encoding="utf-8"))
    expected = catalogue["about"]["expected"]
    plans = tiers({product["name"]: lines(product) for product in catalogue["products"]["data"]})
    for lower, upper in zip(expected["tiers"], expected["tiers"][1:], strict=False):
        step = compare(plans[lower], plans[upper])
        found = [*step.adds, *(larger for _, larger in step.grows)]
        for addition in expected.get("adds", {}).get(upper, []):
            may_not_be_said = "needs proof" in addition
            assert may_not_be_said or any(same(addition, fact) for fact in found), (upper, addition)


def lines(product):
    features = [feature["name"] for feature in product.get("marketing_features") or []]
    return features + propose(product.get("description"), product.get("metadata") or {})


def same(addition, fact):
    """Whether the fact says what the person wrote, who may have put several lines or a remark in one."""
    said = {word.strip("(),") for word in f"{fact.text} {fact.phrase or ''}".lower().split()}
    wanted = {word.strip("(),") for word in addition.lower().split()} - {
        "a",
        "the",
        "die",
        "each",
        "every",
        "gedruckte",
    }
    return len(wanted & said) >= min(2, len(wanted))

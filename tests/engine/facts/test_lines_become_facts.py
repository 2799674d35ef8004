"""A line of a price list is read as a fact: how a sentence may hold it, what sort of thing it is, how many."""

import pytest

from manimod.creatives.engine.facts.bullets import read_fact, referenced_tier, why_refused
from manimod.creatives.engine.facts.model import FactKind, FactSource


def read(line):
    return read_fact(line, FactSource.STRIPE)


def test_an_amount_has_its_number_unit_and_topic():
    fact = read("20 automations / mo")
    assert (fact.kind, fact.phrase) == (FactKind.QUANTITY, "20 automations a month")
    assert (fact.number, fact.unit, fact.topic) == (20, "automations", "automations a month")


@pytest.mark.parametrize("line", ["✗ Custom domain", "− Priority support", "❌ Exports", "Mobile app (coming soon)"])
def test_what_a_plan_does_not_hold_is_no_fact_and_the_owner_reads_why(line):
    assert read(line) is None
    assert why_refused(line)


def test_a_line_about_another_tier_is_no_fact_but_a_reference():
    assert referenced_tier("Everything in Team, plus:") == "Team"
    assert read("Everything in Team, plus:") is None
    assert why_refused("Everything in Team, plus:") is None

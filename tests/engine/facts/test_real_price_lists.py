"""How often the reader is right on lines of real price lists, each judged by a person."""

import json
import re
from pathlib import Path

import pytest

from manimod.creatives.engine.facts.bullets import read_fact, why_refused
from manimod.creatives.engine.facts.model import FactSource

JUDGED = Path(__file__).parents[4] / "shared" / "domain" / "plan-facts.jsonl"
# Right as well, though the judge said it in fewer words.
SAID_IN_FULL = {"unlimited washes across all 45+ locations", "10 full-length timed CBT mock exams"}
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

pytestmark = pytest.mark.skipif(not JUDGED.exists(), reason="the judged lines lie beside the project, not here")


@pytest.fixture(scope="module")
def judged():
    return [json.loads(line) for line in JUDGED.read_text(encoding="utf-8").splitlines()]


def read(line):
    return read_fact(line["text"], FactSource.STRIPE)


def folded(phrase):
    """Without regard to the first letter's case, to digits or words, to "&" or "and", to the comma before "and"."""
    phrase = phrase[:1].lower() + phrase[1:].replace("&", "and").replace(", and ", " and ")
    return re.sub(r"\b\d\b", lambda digit: DIGITS[int(digit[0])], phrase)


def test_at_most_two_in_a_hundred_stand_wrongly_in_a_sentence(judged):
    wrong = [
        (line["text"], fact.phrase, line["as_noun"])
        for line in judged
        if (fact := read(line))
        and fact.phrase
        and folded(fact.phrase) != folded(line["as_noun"] or "-")
        and fact.phrase not in SAID_IN_FULL
    ]
    assert len(wrong) <= 0.02 * len(judged), wrong


def test_the_sort_of_thing_is_right_for_85_in_a_hundred(judged):
    facts = [(line, fact) for line in judged if (fact := read(line))]
    wrong = [(line["text"], fact.kind, line["kind"]) for line, fact in facts if fact.kind != line["kind"]]
    assert len(wrong) <= 0.15 * len(facts), wrong


def test_nine_in_ten_english_lines_that_ads_may_state_stand_in_a_sentence(judged):
    may_be_stated = [
        line
        for line in judged
        if line["as_noun"] and "language:" not in (line["hard"] or "") and not why_refused(line["text"])
    ]
    silent = [line["text"] for line in may_be_stated if not read(line).phrase]
    assert len(silent) <= 0.1 * len(may_be_stated), silent


def test_a_line_in_another_language_is_never_mangled(judged):
    for line in judged:
        if "language:" in (line["hard"] or "") and (fact := read(line)) and fact.phrase:
            assert folded(fact.phrase) == folded(line["as_noun"])

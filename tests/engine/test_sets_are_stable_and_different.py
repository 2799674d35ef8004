"""The same brief gives the same set, in every process; another audience, tone or round gives another message."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from manimod.creatives.engine.brief import EVENTS, CreativeSet
from manimod.creatives.engine.copy.copywriter import write
from tests.engine.samples import PLAIN, brief

PRINT_A_SET = """
import json
from tests.engine.samples import brief
from manimod.creatives.engine.copy.copywriter import write
print(json.dumps(write(brief()).to_json()))
"""


def test_the_same_brief_gives_the_same_set():
    assert write(brief()) == write(brief())


def test_another_process_writes_the_same_set():
    other = subprocess.run([sys.executable, "-c", PRINT_A_SET], capture_output=True, text=True, check=True)
    assert json.loads(other.stdout) == write(brief()).to_json()


def test_a_set_survives_json():
    made = write(brief(event="cancelled", segment="high"))
    assert CreativeSet.from_json(json.loads(json.dumps(made.to_json()))) == made


@pytest.mark.parametrize(
    "other",
    [
        brief(segment="high"),
        brief(segment="low"),
        brief(position="top"),
        brief(event="cancelled"),
        brief(round=1),
        brief(round=2),
    ],
)
def test_another_audience_or_round_gets_another_message(other):
    first, second = write(brief()), write(other)
    assert len({v.headline for v in first.variants} & {v.headline for v in second.variants}) <= 1
    assert len({v.body for v in first.variants} & {v.body for v in second.variants}) <= 1


def test_a_tone_has_lines_of_its_own():
    for tone in ("friendly", "expert"):
        made = [write(brief(event, brand=replace(PLAIN, tone=tone))) for event in EVENTS]
        plain = [write(brief(event)) for event in EVENTS]
        assert [m.variants for m in made] != [m.variants for m in plain]


def test_the_day_does_not_change_the_words():
    later = replace(brief(), today=brief().today.replace(day=23))
    assert write(later) == write(brief())


def test_rounds_go_on_to_other_headlines():
    for event in ("cancelled", "payment_failed"):
        first = write(brief(event=event, segment="core"))
        used = Counter(phrase for variant in first.variants for phrase in variant.phrases)
        second = write(brief(event=event, segment="core", round=1, used_phrases=used))
        assert not {v.headline for v in first.variants} & {v.headline for v in second.variants}


def test_accounts_get_wordings_of_their_own():
    one, other = (write(brief(seed=seed)) for seed in ("1", "2"))
    assert [v.phrases for v in one.variants] != [v.phrases for v in other.variants]


def test_a_wording_that_an_open_set_uses_gives_way_to_another():
    first = write(brief("payment_failed"))
    used = Counter(phrase for variant in first.variants for phrase in variant.phrases)
    second = write(brief("payment_failed", used_phrases=used))
    assert not {v.phrases[0] for v in first.variants} & {v.phrases[0] for v in second.variants}

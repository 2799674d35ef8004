"""The same brief gives the same set, in every process; another audience, tone or round gives another message."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from manimod.creatives.engine.brief import CreativeSet
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
        brief(brand=replace(PLAIN, tone="expert")),
        brief(brand=replace(PLAIN, tone="plain")),
        brief(round=1),
        brief(round=2),
    ],
)
def test_another_audience_tone_or_round_gets_another_message(other):
    first, second = write(brief()), write(other)
    assert not {v.body for v in first.variants} & {v.body for v in second.variants}


def test_the_day_does_not_change_the_words():
    later = replace(brief(), today=brief().today.replace(day=23))
    assert write(later) == write(brief())


def test_rounds_go_on_to_the_next_angles():
    first, second = (write(brief(event="cancelled", segment="core", round=i)) for i in (0, 1))
    assert [v.angle for v in first.variants] != [v.angle for v in second.variants]

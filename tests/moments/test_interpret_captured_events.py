"""`flask interpret` says what mani makes of any event, for support and for tests, and stores nothing."""

import json
import random
from pathlib import Path

import pytest

from manimod.models import StripeEvent
from tests.stripe_events import customer, event, invoice, subscription

CAPTURED = Path(__file__).parents[3] / "shared" / "stripe-events"


@pytest.fixture
def interpret(app):
    def run(*lines: str) -> list[dict]:
        result = app.test_cli_runner().invoke(args=["interpret"], input="\n".join(lines))
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.output.splitlines()]

    return run


def test_each_event_gets_one_line(interpret):
    captured = [
        event("customer.created", customer("cus_9")),
        event("invoice.paid", invoice("in_7")),
        event("customer.subscription.created", subscription()),
        event("customer.deleted", customer("cus_9")),
    ]
    new, renewal, started, deleted = interpret(*map(json.dumps, captured))
    assert new == {
        "id": captured[0]["id"],
        "moments": [{"kind": "new_customer", "key": "new_customer:cus_9"}],
        "withdraws": [],
        "erases": None,
        "reason": None,
    }
    assert renewal["moments"][0]["key"].startswith("renewed:sub_1:")
    assert renewal["withdraws"] == [{"kind": "payment_failed", "key": "payment_failed:in_7"}]
    assert started["withdraws"] == [{"kind": "cancelled", "customer": "cus_1"}]
    assert deleted["erases"] == "cus_9"


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"id": 1}', "[" * 100_000, '{"id": "\\ud800"}'])
def test_a_line_that_is_no_event_gets_its_answer_too(interpret, line):
    after = json.dumps(event("payout.paid", {}))
    bad, good = interpret(line, after)
    assert (bad["id"], bad["moments"]) == (None, [])
    assert good["reason"]


def test_nothing_is_stored_and_nothing_personal_is_printed(interpret):
    answer = interpret(json.dumps(event("customer.created", customer())))
    assert "Hazel" not in str(answer)
    assert StripeEvent.query.count() == 0


@pytest.mark.skipif(not CAPTURED.exists(), reason="the captured events are not on this machine")
def test_the_captured_events_mean_what_their_labels_say(interpret):
    index = json.loads((CAPTURED / "index.json").read_text(encoding="utf-8"))
    random.Random(1).shuffle(index)
    kinds = {"new_customer": "new_customer", "renewal": "renewed", "payment_failed": "payment_failed"}
    kinds["cancelled"] = "cancelled"
    lines = [json.dumps(json.loads((CAPTURED / row["file"]).read_text(encoding="utf-8"))) for row in index]
    answers = interpret(*lines)
    assert [[m["kind"] for m in answer["moments"]] for answer in answers] == [
        [kinds[row["meaning"]]] if row["meaning"] in kinds else [] for row in index
    ]

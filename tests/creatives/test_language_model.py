"""A language model in the journey: its set reaches the queue, and while it thinks nobody else waits for it."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from manimod import jobs
from manimod.config import LlmSettings
from manimod.creatives import generate
from manimod.creatives.engine import llm
from manimod.extensions import db
from manimod.models import Creative, Moment
from tests import openai_stub
from tests.openai_stub import OpenAiStub
from tests.stripe_events import customer, event, subscription


@pytest.fixture(autouse=True)
def model(app) -> Iterator[OpenAiStub]:
    with OpenAiStub(openai_stub.well()) as service:
        app.extensions["settings"].llm = LlmSettings("gpt-x", service.base_url)
        yield service


@pytest.fixture
def tell(deliver, drain) -> Callable[[], None]:
    def send(name: str = "Dana Example") -> None:
        deliver(event("customer.created", customer("cus_dana") | {"name": name}))
        drain()

    return send


def queue() -> list[Creative]:
    db.session.rollback()
    return list(db.session.scalars(select(Creative).order_by(Creative.id)))


def test_the_set_in_the_queue_says_who_wrote_it(tell):
    tell()
    assert [creative.content["writer"] for creative in queue()] == ["mani + gpt-x"]


def test_the_model_never_hears_of_the_customer(tell, model):
    tell()
    assert model.requests
    assert "Dana" not in model.sent
    assert "cus_" not in model.sent


def test_a_model_that_is_down_costs_nothing_but_its_lines(tell, model):
    model.answers = [openai_stub.status(500)]
    tell()
    assert [creative.content["writer"] for creative in queue()] == ["mani"]


def test_one_worker_waits_for_the_model_and_the_others_go_on(connected, tell, model):
    with generate.model_lock(connected.id):
        tell()
        assert not model.requests
        assert db.session.scalar(select(Moment.state)) == "ready"
    assert not generate.generate(connected.id)
    assert len(queue()) == 1


def test_after_its_turn_a_slow_account_lets_the_others_go_first(connected, deliver, drain, model, monkeypatch):
    monkeypatch.setattr(generate, "MAX_SECONDS", 0.2)
    model.answers = [openai_stub.slowly(0.4, openai_stub.well())]
    with generate.model_lock(connected.id):
        gone = subscription("sub_1", status="canceled") | {"customer": "cus_1"}
        deliver(event("customer.created", customer()), event("customer.subscription.deleted", gone))
        drain()
    assert generate.generate(connected.id), "there is more to do"
    assert len(queue()) == 1
    assert not generate.generate(connected.id)
    assert len(queue()) == 2
    job = jobs.JOBS["process_events"]
    assert llm.SECONDS + generate.MAX_SECONDS < generate.MODEL_LOCK_TIMEOUT < job.timeout_seconds

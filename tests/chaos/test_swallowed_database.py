"""A network that swallows what is sent to PostgreSQL: worker and scheduler give up, and go on on a new connection."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import make_url, select

from manimod.config import JOB_DATABASE_TIMEOUT
from manimod.extensions import db
from manimod.jobs import HEARTBEAT_KEY
from manimod.models import StripeEvent
from tests import factories
from tests.conftest import wait_for
from tests.journeys.stack import ROOT
from tests.neighbours import Relay


@pytest.fixture
def network(app: Flask) -> Relay:
    """Between PostgreSQL and the worker and the scheduler."""
    return Relay(make_url(app.config["SQLALCHEMY_DATABASE_URI"]).port)


@pytest.fixture
def jobs_run(app: Flask, network: Relay) -> Iterator[None]:
    settings = app.extensions["settings"]
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": make_url(settings.database_url).set(port=network.port).render_as_string(False),
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": "s" * 64,
        "ENCRYPTION_KEYS": "k1:" + "A" * 43 + "=",
    }
    with subprocess.Popen([sys.executable, "worker.py", "together"], cwd=ROOT, env=environment) as process:
        yield
        process.terminate()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_worker_and_scheduler_go_on_after_what_they_sent_was_swallowed(
    app: Flask, valkey: Redis, network: Relay, jobs_run: None
) -> None:
    webhook = f"/webhooks/stripe/{factories.make_connection().webhook_token}"
    deliver(app, webhook)
    wait_for(lambda: all_are_done() and valkey.exists(HEARTBEAT_KEY), seconds=60)
    network.swallows = True
    for _ in range(3):
        time.sleep(1)  # in which both begin something
        deliver(app, webhook)
    network.swallows = False
    valkey.delete(HEARTBEAT_KEY)
    assert not all_are_done()
    wait_for(lambda: all_are_done() and valkey.exists(HEARTBEAT_KEY), seconds=JOB_DATABASE_TIMEOUT + 10)


def deliver(app: Flask, webhook: str) -> None:
    event = {"id": f"evt_{secrets.token_hex(12)}", "object": "event", "type": "customer.created", "created": 1}
    event |= {"livemode": False, "data": {"object": {"id": "cus_1", "object": "customer"}}}
    assert app.test_client().post(webhook, **factories.signed(event)).status_code == 200


def all_are_done() -> bool:
    db.session.rollback()
    return set(db.session.scalars(select(StripeEvent.state))) == {"done"}

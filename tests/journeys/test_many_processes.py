"""Grown up: several web servers and workers on one PostgreSQL share the work, and nothing is made twice."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from flask import Flask
from redis import Redis
from sqlalchemy import func, select

from manimod.extensions import db
from manimod.models import Creative, Moment, StripeEvent
from tests import factories, stripe_events
from tests.conftest import wait_for
from tests.journeys.stack import ROOT, free_port

ACCOUNTS, CUSTOMERS, WORKERS = 6, 10, 4


@pytest.fixture
def webs(app: Flask, database_url: str, valkey_url: str, valkey: Redis, tmp_path: Path) -> Iterator[list[int]]:
    """The ports of two web servers, with workers and two schedulers behind them."""
    settings = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey_url,
        "SECRET_KEY": "s" * 64,
        "ENCRYPTION_KEYS": f"k1:{'A' * 43}=",
        "GRACE_PERIOD_SECONDS": "0",
    }
    ports = [free_port(), free_port()]
    command = [sys.executable, "-m", "tests.journeys.crowd", str(WORKERS), *map(str, ports)]
    crowd = subprocess.Popen(command, cwd=ROOT, env=settings, start_new_session=True)
    try:
        wait_for(lambda: all(map(is_up, ports)), seconds=60, every=0.1)
        wait_for(lambda: valkey.scard("rq:workers") == WORKERS, seconds=60, every=0.1)
        yield ports
    finally:
        crowd.terminate()
        crowd.wait(60)


def is_up(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_they_share_the_work_without_doubling_it(webs: list[int]) -> None:
    tokens = [factories.make_connection(factories.make_account(), livemode=True).webhook_token for _ in range(ACCOUNTS)]
    deliveries = []
    for token, number in itertools.product(tokens, range(CUSTOMERS)):
        customer = stripe_events.customer(f"cus_{number}")
        event = stripe_events.event("customer.created", customer, livemode=True)
        deliveries += [(port, token, event) for port in webs]  # Stripe delivers it twice, to both servers at once

    def deliver(port: int, token: str, event: dict) -> int:
        request = factories.signed(event)
        headers = request["headers"] | {"Content-Type": "application/json"}
        address = f"http://127.0.0.1:{port}/webhooks/stripe/{token}"
        return requests.post(address, data=request["data"], headers=headers, timeout=20).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(deliver, *zip(*deliveries, strict=True))) == {200}
    everything = ACCOUNTS * CUSTOMERS
    wait_for(lambda: count(Moment, Moment.state == "generated") == everything, seconds=40, every=0.2)
    assert count(StripeEvent, StripeEvent.state == "done") == count(StripeEvent) == everything
    assert count(Moment) == everything
    db.session.rollback()
    sets = db.session.execute(select(Creative.account_id, Creative.moments_count)).all()
    assert len(sets) == ACCOUNTS, "one audience of each account is one set"
    assert {moments for _, moments in sets} == {CUSTOMERS}


def count(model: type, *conditions) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions))

"""Whoever has only the address of the webhook: refused, noted for a while, and no trouble to what Stripe signs."""

import hmac
import time

import pytest
from sqlalchemy import func, select

from manimod import create_app
from manimod.extensions import db, limiter
from manimod.ingest.receiver import REJECTIONS_PER_ADDRESS
from manimod.models import RejectedDelivery, StripeEvent
from tests import factories
from tests.factories import signed
from tests.web.test_webhook import EVENT


@pytest.fixture
def deliver(client, connection):
    client.sends_csrf = False
    return lambda **request: client.post(f"/webhooks/stripe/{connection.webhook_token}", **request)


@pytest.fixture
def worn_out(app, connection):
    """So many deliveries were refused in this minute that no more are noted."""
    limiter.limiter.hit(REJECTIONS_PER_ADDRESS, "webhook", connection.webhook_token, cost=REJECTIONS_PER_ADDRESS.amount)


def noted() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.coalesce(func.sum(RejectedDelivery.count), 0)))


def test_too_many_refusals_write_no_more(deliver, worn_out):
    answer = deliver(**signed(EVENT, secret="whsec_another"))
    assert (answer.status_code, answer.mimetype) == (429, "text/plain")
    assert noted() == 0


def test_what_stripe_signed_is_taken_all_the_same(deliver, worn_out):
    assert deliver(**signed(EVENT)).status_code == 200
    assert db.session.scalar(select(func.count()).select_from(StripeEvent)) == 1


def test_another_address_is_counted_by_itself(client, deliver, worn_out):
    other = factories.make_connection()
    client.sends_csrf = False
    answer = client.post(f"/webhooks/stripe/{other.webhook_token}", **signed(EVENT, secret="whsec_another"))
    assert answer.status_code == 400
    assert noted() == 1


def test_without_redis_refusals_are_noted_as_ever(database_url):
    app = create_app(factories.make_settings(database_url, "redis://127.0.0.1:1/0"))
    with app.app_context():
        address = f"/webhooks/stripe/{factories.make_connection().webhook_token}"
        db.session.commit()
        assert app.test_client().post(address, **signed(EVENT, secret="whsec_another")).status_code == 400
        assert noted() == 1


def test_a_signature_is_compared_in_constant_time(deliver, monkeypatch):
    compared, compare = [], hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *both: compared.append(both) or compare(*both))
    deliver(**signed(EVENT))
    assert [ours == theirs for ours, theirs in compared] == [True]


@pytest.mark.parametrize("at", [-330, 330, 10 * 365 * 24 * 3600], ids=["replayed", "ahead", "in ten years"])
def test_a_signature_of_another_time_is_refused(deliver, at):
    answer = deliver(**signed(EVENT, at=time.time() + at))
    assert answer.status_code == 400
    assert "5 minutes off" in answer.text


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "t=1",
        "v1=abc",
        "t=x,v1=y",
        "t=1,t=2,v1=z",
        "\xff\xfe",
        "t=" + "9" * 400 + ",v1=a",
        "," * 9000,
        "t=²,v1=a",
        "t=1,v1=ÿ",
    ],
)
def test_a_header_that_is_none_is_refused_in_words(deliver, header):
    request = signed(EVENT) | {"headers": {"Stripe-Signature": header}}
    try:
        answer = deliver(**request)
    except UnicodeEncodeError:  # no header can carry it
        return
    assert answer.status_code == 400
    assert "signature" in answer.text

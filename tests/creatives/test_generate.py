"""Moments become creatives: one live set an audience, further moments join it, each with its window."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from manimod import tasks
from manimod.creatives import brand_kit, review
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import BrandKit, Creative, Customer, Moment, Tier
from manimod.models.accounts import now
from manimod.moments import record
from tests import factories
from tests.stripe_events import customer, event, item, price, subscription

DAY = timedelta(days=1)


@pytest.fixture
def tell(client, drain):
    """A customer of a live or test account tells their story to its webhook."""

    def send(connection, name: str, kind: str = "customer.subscription.deleted", product: str = "prod_team") -> None:
        if not db.session.scalar(select(Tier).filter_by(connection_id=connection.id, stripe_product_id=product)):
            factories.name_tier(connection, product, product.removeprefix("prod_").title())
        plan = subscription(f"sub_{name}", items=[item(price(product))])
        body = customer(f"cus_{name}") if kind == "customer.created" else plan | {"customer": f"cus_{name}"}
        if kind == "customer.subscription.deleted":
            body["status"] = "canceled"
        told = event(kind, body, livemode=connection.livemode)
        assert client.post(f"/webhooks/stripe/{connection.webhook_token}", **factories.signed(told)).status_code == 200
        drain()

    return send


@pytest.fixture
def live(sandbox, account, drain):
    connection = factories.connect(account, sandbox.create_account("Live Studio"), mode="live")
    drain()
    return connection


@pytest.fixture
def queue(live):
    def read() -> list[Creative]:
        db.session.rollback()
        return list(db.session.scalars(select(Creative).order_by(Creative.id)))

    return read


@pytest.mark.both_databases
def test_moments_of_one_audience_share_one_set(live, tell, queue):
    tell(live, "a")
    tell(live, "b")
    assert [(creative.tier, creative.moments_count) for creative in queue()] == [("Team", 2)]


def test_another_tier_gets_another_set_with_another_message(live, tell, queue):
    tell(live, "a")
    tell(live, "b", product="prod_scale")
    first, second = queue()
    assert (first.tier, second.tier) == ("Team", "Scale")
    assert first.content["variants"][0]["headline"] != second.content["variants"][0]["headline"]


def test_a_set_has_variants_with_text_and_picture_that_name_the_tier(live, tell, queue):
    tell(live, "a")
    (creative,) = queue()
    assert len(creative.content["variants"]) == 2  # nothing is known but names
    for number, variant in enumerate(creative.content["variants"]):
        assert variant["label"] == "Team plan"
        assert review.render_picture(creative, number, "1080x1080").startswith("<svg")


def test_a_decided_set_is_not_joined_when_it_was_rejected(live, tell, queue):
    tell(live, "a")
    with transaction():
        db.session.scalar(select(Creative)).status = "rejected"
    tell(live, "b")
    assert [creative.status for creative in queue()] == ["rejected", "waiting"]


def test_after_fourteen_days_a_fresh_set_is_written(live, tell, queue):
    tell(live, "a")
    with transaction():
        db.session.scalar(select(Creative)).generated_at = now() - 15 * DAY
    tell(live, "b")
    assert [(creative.moments_count, creative.status) for creative in queue()] == [(1, "expired"), (1, "waiting")]
    assert queue()[0].reviews[-1].reason == "a newer set took its place"


def test_an_approved_set_stays_when_a_fresh_one_is_written(live, tell, queue):
    tell(live, "a")
    with transaction():
        old = db.session.scalar(select(Creative))
        old.generated_at, old.status = now() - 15 * DAY, "approved"
    tell(live, "b")
    assert [creative.status for creative in queue()] == ["approved", "waiting"]


@pytest.mark.both_databases
def test_test_mode_moments_of_one_audience_share_a_set_of_test_data(connected, tell, drain):
    drain()
    tell(connected, "a")
    first = db.session.scalar(select(Creative.joined_at))
    tell(connected, "b")
    (creative,) = db.session.scalars(select(Creative).execution_options(populate_existing=True))
    assert (creative.is_test, creative.moments_count) == (True, 2)
    assert creative.joined_at > first


def test_a_joined_set_comes_to_the_top_of_the_queue(live, account, tell, queue):
    tell(live, "a")
    tell(live, "b", product="prod_scale")
    assert [creative.tier for creative in review.get_page(account, "waiting")] == ["Scale", "Team"]
    tell(live, "c")
    db.session.rollback()
    assert [creative.tier for creative in review.get_page(account, "waiting")] == ["Team", "Scale"]


def test_a_live_moment_never_joins_a_set_of_test_data(live, tell, queue):
    tell(live, "a")
    with transaction():
        db.session.scalar(select(Creative)).is_test = True
    tell(live, "b")
    assert [(creative.is_test, creative.moments_count) for creative in queue()] == [(True, 1), (False, 1)]


@pytest.mark.parametrize(("kind", "days"), [("customer.created", (0, 14)), ("customer.subscription.deleted", (7, 180))])
def test_each_event_has_its_window(live, tell, queue, kind, days):
    tell(live, "a", kind)
    (creative,) = queue()
    assert (creative.run_from - creative.occurred_at, creative.run_until - creative.occurred_at) == (
        days[0] * DAY,
        days[1] * DAY,
    )


def test_a_set_whose_window_is_over_leaves_the_queue(live, account, tell, queue):
    tell(live, "a")
    with transaction():
        db.session.scalar(select(Creative)).run_until = now() - DAY
    tasks.check_health(account.id)
    assert [creative.status for creative in queue()] == ["expired"]


@pytest.mark.parametrize(
    ("kit", "reason"),
    [
        ({"name": "FREE MONEY 50% OFF!!!"}, ""),
        (
            {"banned_words": ["the", "your", "you", "a", "to", "and", "in", "is", "it", "of", "for", "see", "at"]},
            "The brand kit bans",
        ),
    ],
)
def test_a_moment_for_which_nothing_lawful_can_be_written_is_held_and_not_lost(
    live, account, tell, queue, drain, kit, reason
):
    stored = BrandKit(account_id=account.id, **{"name": "Brightside Studio"} | kit)
    with transaction():
        db.session.add(stored)
    tell(live, "a")
    moment = db.session.scalar(select(Moment))
    assert (moment.state, queue()) == ("blocked", [])
    assert moment.reason
    assert reason in moment.reason
    with transaction():
        stored.name, stored.banned_words = "Brightside Studio", []
        record.release_blocked(live)
    drain()
    assert len(queue()) == 1


def test_an_audience_that_fails_leaves_its_moments_ready_and_the_others_go_on(live, tell, queue):
    """For example a kind of moment that a newer version of mani has stored."""
    at = now()
    times = {"occurred_at": at, "received_at": at, "detected_at": at}
    with transaction():
        db.session.add(
            Moment(
                connection_id=live.id, kind="unheard_of", key="k", source="sync", state="ready", livemode=True, **times
            )
        )
    tell(live, "a")
    assert [creative.event for creative in queue()] == ["cancelled"]
    assert db.session.scalar(select(Moment.state).where(Moment.kind == "unheard_of")) == "ready"


def test_the_timeline_runs_forward(live, tell, queue):
    tell(live, "a")
    (creative,) = queue()
    assert creative.received_at <= creative.detected_at <= creative.generated_at
    assert creative.occurred_at <= creative.generated_at


def test_a_plan_made_for_one_customer_never_names_them(live, tell, queue):
    with transaction():
        db.session.add(Customer(connection_id=live.id, stripe_id="cus_z", name="Quux Freight", created_at=now()))
    tell(live, "a", product="prod_quux freight custom")
    (creative,) = queue()
    assert creative.is_generic
    assert any("customer's name" in reason for reason in creative.content["reasons"])
    assert "Quux" not in str(creative.content["variants"])


def test_a_tier_may_be_called_like_a_customers_first_name(live, tell, queue):
    with transaction():
        db.session.add(Customer(connection_id=live.id, stripe_id="cus_z", name="Max Quux", created_at=now()))
    tell(live, "a", product="prod_max")
    assert [creative.content["tier"] for creative in queue()] == ["Max"]


def test_a_proof_that_names_a_later_customer_is_left_out(live, account, tell, queue):
    with transaction():
        brand_kit.save(account, {"name": "Brightside", "proof": ["Start Quux calls it calm"]})
        db.session.add(Customer(connection_id=live.id, stripe_id="cus_z", name="Start Quux", created_at=now()))
    tell(live, "a")
    (creative,) = queue()
    assert "Quux" not in str(creative.content["variants"])
    assert any("1 stored proof" in reason for reason in creative.content["reasons"])


def test_a_brand_may_be_its_own_customer(live, account, tell, queue):
    with transaction():
        db.session.add(Customer(connection_id=live.id, stripe_id="cus_z", name=account.name, created_at=now()))
    tell(live, "a", product=f"prod_{account.name} pro".lower())
    assert [creative.content["tier"] for creative in queue()] == ["Brightside Studio Pro"]

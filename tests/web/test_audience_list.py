"""The audience list: who is in it, what is kept of it, and a page that may send nothing."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import AudienceList, AuditEntry, Creative, Moment
from manimod.models.accounts import now
from manimod.moments import audience_lists
from manimod.stripe import connections
from tests import factories
from tests.browser import listing


@pytest.fixture
def live(account):
    return factories.make_connection(account, livemode=True)


@pytest.fixture
def approved(account) -> Creative:
    return listing.add_creative(account)


def make(client, creative, held_out: int = 0):
    """The page on which the list is made."""
    made = client.post(f"/creatives/{creative.id}/list", data={"held_out": held_out})
    assert made.status_code == 303, made.text
    return client.get(made.location)


def ids_in(page, template: str = "in-list") -> list[str]:
    frame = html.unescape(re.search(r'srcdoc="([^"]*)"', page.text)[1])
    return re.search(rf'<template id="{template}">(.*?)</template>', frame, re.S)[1].split()


def test_the_list_holds_the_customers_of_the_audiences_moments(as_owner, live, approved):
    listing.set_customers(live, approved, ["cus_A", "cus_B"])
    assert "2 customers in this audience today" in as_owner.get(f"/creatives/{approved.id}/list").text
    page = make(as_owner, approved)
    assert ids_in(page) == ["cus_A", "cus_B"]
    assert ids_in(page, "held-out") == []


def test_all_approved_creatives_of_an_audience_share_a_list(as_owner, account, live, approved):
    listing.set_customers(live, approved, ["cus_A"])
    listing.set_customers(live, listing.add_creative(account), ["cus_B"])
    assert "the 2 approved creatives of this audience" in as_owner.get(f"/creatives/{approved.id}/list").text
    assert ids_in(make(as_owner, approved)) == ["cus_A", "cus_B"]


def test_who_has_paid_was_deleted_or_whose_days_are_over_is_not_in_it(as_owner, live, approved):
    listing.set_customers(live, approved, ["cus_paid", "cus_deleted", "cus_in"])
    for customer, change in {
        "cus_paid": {"state": "withdrawn"},
        "cus_deleted": {"stripe_customer_id": None},
        "cus_late": {"occurred_at": now() - timedelta(days=15)},  # ads after a renewal run for 14 days
    }.items():
        with transaction():
            db.session.execute(update(Moment).filter_by(stripe_customer_id=customer).values(change))
    assert ids_in(make(as_owner, approved)) == ["cus_in"]
    listing.set_customers(live, approved, ["cus_late"], days_ago=15)
    assert "Nobody is in it now" in as_owner.get(f"/creatives/{approved.id}/list").text


def test_ads_that_start_later_have_a_list_of_their_own(as_owner, live, account):
    creative = listing.add_creative(account)
    with transaction():
        first, second, *others = creative.content["variants"]
        creative.content = creative.content | {"variants": [first, second | {"from_day": 7}, *others]}
    listing.set_customers(live, creative, ["cus_new", "cus_old"])
    with transaction():
        earlier = {"occurred_at": now() - timedelta(days=8)}
        db.session.execute(update(Moment).filter_by(stripe_customer_id="cus_old").values(earlier))
    page = as_owner.get(f"/creatives/{creative.id}/list").text
    assert "Those that start with the event: 2 customers" in page
    assert "Those that start 7 days after the event: 1 customer" in page
    made = as_owner.get(as_owner.post(f"/creatives/{creative.id}/list", data={"from_day": 7}).location)
    assert ids_in(made) == ["cus_old"]
    assert re.search(r"data-name=&#34;mani-stay-\w{5}-b-d7-\d{8}&#34;", made.text)
    assert as_owner.post(f"/creatives/{creative.id}/list", data={"from_day": 5}).status_code == 422


def test_that_a_list_was_made_is_kept_and_nothing_of_what_is_in_it(as_owner, owner, live, approved):
    listing.set_customers(live, approved, ["cus_A", "cus_B", "cus_C"])
    make(as_owner, approved, held_out=20)
    made, entry = db.session.scalar(select(AudienceList)), db.session.scalar(select(AuditEntry))
    kept = (made.event, made.tier, made.segment, made.customers, made.held_out, made.made_by)
    assert kept == ("renewed", "Team", "core", 3, 20, owner.id)
    assert (entry.action, entry.user_id, entry.details["customers"]) == ("made_audience_list", owner.id, 3)
    assert "cus_" not in str(entry.details)
    page = as_owner.get(f"/creatives/{approved.id}/list").text
    assert "3 customers, 20% held out" in page
    assert owner.email in page


def test_support_sees_who_made_a_list(as_owner, as_support, owner, live, approved):
    listing.set_customers(live, approved, ["cus_A"])
    make(as_owner, approved)
    page = as_support.get(f"/support/accounts/{owner.account_id}").text
    assert "Audience list made" in page
    assert owner.email in page


def test_a_list_is_forgotten_with_its_connection(as_owner, live, approved):
    listing.set_customers(live, approved, ["cus_A"])
    make(as_owner, approved)
    with transaction():
        connections.disconnect(live)
    assert db.session.scalars(select(AudienceList)).all() == []


def test_the_held_out_share_is_stable_and_within_three_tenths_of_a_point(app, live, approved, owner):
    customers = [f"cus_{number:014d}" for number in range(100_000)]
    listing.set_customers(live, approved, ["cus_A"])
    held = {}
    for share in (0, 5, 10, 10, 50):
        with transaction():
            made = audience_lists.make(live, approved, owner, share)
            made.key = "of one audience"  # the same in each run of this test; a key of its own is drawn by chance
        in_list, held_out = audience_lists.split(made, customers)
        assert sorted(in_list + held_out) == customers
        assert abs(len(held_out) / len(customers) - share / 100) <= 0.003
        assert held.setdefault(share, set(held_out)) == set(held_out)
    assert held[5] < held[10] < held[50]


def test_two_audiences_hold_out_different_customers(account, live, approved, owner):
    other = listing.add_creative(account)
    with transaction():
        other.segment = "high"
        lists = [audience_lists.make(live, creative, owner, 50) for creative in (approved, other)]
    customers = [f"cus_{number}" for number in range(100)]
    assert audience_lists.split(lists[0], customers) != audience_lists.split(lists[1], customers)


@pytest.mark.parametrize("share", [-1, 51, 100])
def test_a_share_beyond_a_half_is_refused(as_owner, live, approved, share):
    listing.set_customers(live, approved, ["cus_A"])
    answer = as_owner.post(f"/creatives/{approved.id}/list", data={"held_out": share})
    assert answer.status_code == 422
    assert "Choose a share from 0 to 50 percent." in answer.text


def test_only_approved_ads_have_a_list(as_owner, live, approved):
    with transaction():
        approved.status = "waiting"
    assert as_owner.get(f"/creatives/{approved.id}/list").status_code == 409
    assert as_owner.post(f"/creatives/{approved.id}/list").status_code == 409
    assert "/list" not in as_owner.get(f"/creatives/{approved.id}").text


def test_the_page_may_reach_nothing(as_owner, live, approved):
    listing.set_customers(live, approved, ["cus_A"])
    page = make(as_owner, approved)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    for kind in ("default", "connect", "frame"):
        assert policy[f"{kind}-src"] == "'none'"
    assert policy["form-action"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.headers["Cache-Control"]
    assert 'sandbox="allow-scripts allow-downloads"' in page.text
    frame = html.unescape(re.search(r'srcdoc="([^"]*)"', page.text)[1])
    own_policy = frame.index("default-src 'none'; img-src data:")
    assert own_policy > frame.rindex("<script"), "the frame's own policy begins once its scripts are there"
    assert re.findall(r'<script src="/assets/\w+/(\w+)\.js"></script>', frame) == [
        "audience_list",
        "csv_reader",
        "addresses",
    ]


def test_names_say_nothing_of_what_happened_or_of_anybodys_worth(as_owner, live, approved):
    listing.set_customers(live, approved, ["cus_A"])
    name = re.search(r"data-name=&#34;([^&]*)&#34;", make(as_owner, approved).text)[1]
    assert re.fullmatch(r"mani-stay-\w{5}-b-\d{8}", name)


def test_a_list_of_test_data_is_told_apart_and_not_meant_for_upload(as_owner, account):
    test, creative = factories.make_connection(account), listing.add_creative(account, is_test=True)
    listing.set_customers(test, creative, ["cus_A"])
    page = html.unescape(make(as_owner, creative).text)
    assert 'data-name="test-mani-' in page
    assert "look at the files, but don't upload them" in html.unescape(page)
    assert "Call the audience" not in page

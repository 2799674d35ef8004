"""The dashboard: a checklist until mani is set up, and the numbers once it is."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from manimod.customers import statistics
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, SyncRun
from manimod.models.accounts import now
from manimod.moments import interpret, record
from tests import factories
from tests.browser.filling import fill


def test_the_setup_is_a_checklist_with_one_next_step(as_owner):
    page = as_owner.get("/").text
    assert "Set up mani with Stripe" in page
    assert len(re.findall("<details[^>]* open>", page)) == 1
    assert "What good looks like" in page
    assert "Common error" in page


def test_once_set_up_the_numbers_take_its_place(as_owner, account):
    fill(account)
    page = as_owner.get("/").text
    assert "Connected to <strong>Brightside Studio</strong>" in page
    page = re.sub(r"<time[^>]*>|</time>", "", page)
    for words in ("Waiting for review", "Customers by tier", "Team", "0.8 s"):
        assert words in page
    assert "Last event 5 minutes ago" in page
    assert "Set up mani with Stripe" not in page


def test_names_are_shown_as_text(as_owner, account: Account):
    with transaction():
        account.name = "<b>Bold & Co</b>"
    page = as_owner.get("/").text
    assert "<b>Bold" not in page
    assert "&lt;b&gt;Bold &amp; Co" in page


def test_each_open_step_leads_to_the_very_place(as_owner, account):
    page = as_owner.get("/").text
    for anchor in ("connect", "sync", "events", "webhook"):
        assert f"/settings/integrations/stripe#{anchor}" in page
    assert 'href="/test"' in page


def test_the_steps_tick_themselves_as_things_happen(as_owner, account):
    assert "1 of 8 done" in as_owner.get("/").text
    factories.make_connection(account)
    answer = as_owner.htmx("get", "/?seen=old&done=1")
    assert "3 of 8 done" in answer.text
    assert 'id="announcer"' in answer.text, "a screen reader hears it too"


def test_nothing_is_sent_while_nothing_has_changed(as_owner, account):
    factories.make_connection(account)
    address = re.search(r'hx-get="(/\?seen=[^"]+)" hx-trigger="ask, ', as_owner.get("/").text)[1]
    assert as_owner.htmx("get", address.replace("&amp;", "&")).status_code == 204


def test_a_dashboard_that_is_set_up_asks_no_more(as_owner, account):
    fill(account)
    page = as_owner.get("/").text
    assert "queue-changed from:body" in page
    assert 'id="overview"' in page
    assert "data-poll" not in page.partition('id="overview"')[2].partition(">")[0], (
        "only when it hears of new creatives"
    )


def test_a_running_sync_is_watched_until_it_is_done(as_owner, account):
    connection = fill(account)
    with transaction():
        db.session.add(SyncRun(connection_id=connection.id, state="running", customers=1200))
    page = as_owner.get("/").text
    assert "Syncing: 1,200 customers so far" in page
    assert 'data-poll="2"' in page


def test_what_keeps_stripe_from_being_read_is_said(as_owner, account):
    connection = fill(account)
    with transaction():
        connection.last_error = "STRIPE_KEY_REJECTED"
    page = as_owner.get("/").text
    assert "Stripe rejected this key" in page
    assert 'href="/settings/integrations/stripe?replace=1">Replace key</a>' in page
    with transaction():
        connection.last_error = "STRIPE_RATE_LIMITED"
    assert "Replace key" not in as_owner.get("/").text, "it ends by itself"


def test_every_chart_has_its_numbers_as_a_table(as_owner, account):
    fill(account)
    page = as_owner.get("/").text
    for caption in ("What happened on each of the last 30 days", "Customers by subscription tier", "value segment"):
        assert re.search(rf'<caption class="visually-hidden">[^<]*{caption}</caption>', page)
    assert page.count("<title>") > 30, "each day tells its numbers when it is pointed at"


def test_segments_are_shown_as_shares_that_add_up(as_owner, account):
    fill(account)
    shares = [int(number) for number in re.findall(r"<strong>(\d+)%</strong>", as_owner.get("/").text)]
    assert len(shares) == 5
    assert 98 <= sum(shares) <= 102


@pytest.mark.both_databases
@pytest.mark.parametrize("time_zone", ["UTC", "Pacific/Auckland"])
def test_a_day_begins_where_the_account_is(app, account, time_zone):
    connection = factories.make_connection(account)
    at = now().astimezone(ZoneInfo("Pacific/Auckland")).replace(hour=0, minute=30) - timedelta(days=1)
    renewal = interpret.DetectedMoment("renewed", "renewed:1", "cus_1", "sub_1", int(at.timestamp()))
    seen = [record.Observation(interpret.Interpretation(moments=(renewal,)), "poll", now())]
    with transaction():
        account.time_zone = time_zone
    for _ in ("new", "seen again"):
        with transaction():
            record.record(connection, seen)
    trend = statistics.moments_by_day(connection)
    assert len(trend) == 30
    day = at.astimezone(ZoneInfo(time_zone)).date()
    assert [(day, counts["renewed"]) for day, counts in trend if counts["renewed"]] == [(day, 1)]


@pytest.mark.both_databases
def test_a_change_of_time_zone_leaves_counted_days_as_they_are(app, account):
    connection = factories.make_connection(account)
    at = now() - timedelta(days=3)
    renewal = interpret.DetectedMoment("renewed", "renewed:1", "cus_1", "sub_1", int(at.timestamp()))
    with transaction():
        record.record(connection, [record.Observation(interpret.Interpretation(moments=(renewal,)), "poll", now())])
    before = [counts for counts in dict(statistics.moments_by_day(connection)).values() if counts["renewed"]]
    with transaction():
        account.time_zone = "Pacific/Auckland"
    assert [counts for counts in dict(statistics.moments_by_day(connection)).values() if counts["renewed"]] == before

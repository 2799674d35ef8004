"""The audience page: tiers and segments with counts and shares, what was made for each, and what is missing."""

import re
from datetime import timedelta

from sqlalchemy import delete

from manimod.customers import statistics
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import AudienceDay, Connection, SyncRun, Tier
from manimod.models.accounts import now
from tests import factories
from tests.browser.filling import fill


def add_tiers(connection: Connection, number: int) -> None:
    with transaction():
        for n in range(number):
            product = {"connection_id": connection.id, "stripe_product_id": f"prod_{n}"}
            db.session.add(Tier(**product, product_name=f"Tier {n}"))
            counted = product | {"day": now().date(), "customers": n + 1}
            db.session.add_all(AudienceDay(**counted, segment=segment) for segment in ("high", "core", "low"))


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_without_a_connection_the_way_to_it_is_shown(as_owner):
    assert "Connect Stripe to see your audience" in as_owner.get("/audience").text


def test_while_the_first_sync_reads_the_page_waits_for_it(as_owner, connection):
    with transaction():
        db.session.add(SyncRun(connection_id=connection.id, state="running", customers=300))
    page = as_owner.get("/audience").text
    assert "300 customers so far" in page
    assert 'data-poll="2"' in page


def test_an_account_without_customers_is_told_when_they_come(as_owner, connection):
    with transaction():
        db.session.add(SyncRun(connection_id=connection.id, state="done"))
    page = as_owner.get("/audience").text
    assert "No customers yet" in page
    assert 'hx-target="#audience"' not in page


def test_counts_and_shares_by_tier_and_segment(as_owner, account):
    fill(account)
    page = plain(as_owner.get("/audience").text)
    assert "395 customers" in page
    assert re.search(r"Starter 12 3% 71 18% 96 24% 35 9%", page)
    assert "No subscription" in page


def test_what_was_made_and_what_is_missing(as_owner, account):
    fill(account)
    page = plain(as_owner.get("/audience").text)
    assert re.search(r"Business · High value 26 .* 1 approved", page)
    missing = plain(as_owner.get("/audience?show=missing").text).partition("Ads for each audience")[2]
    assert "Team · High value" in missing
    assert "Business · High value" not in missing


def test_a_young_account_has_no_line_yet(as_owner, connection):
    add_tiers(connection, 1)
    page = as_owner.get("/audience").text
    assert "Counted since today" in page


def test_the_trend_tells_each_day_by_line_by_title_and_by_table(as_owner, account):
    fill(account)
    page = as_owner.get("/audience").text
    assert page.count('<path class="line-') == 2 * 5, "all customers, three tiers and nobody's; each in the legend too"
    assert "Customers on each of the last 30 days" in page
    day = now().date() - timedelta(days=29)
    said = rf"<title>{day.day} {day:%b}: All customers \d+, Starter \d+, Team \d+, Business \d+, No subscription \d+<"
    assert re.search(said, page)
    assert re.search(rf'<th scope="row">{day.day} {day:%b}</th><td>\d+</td>', page)


def test_a_day_without_a_sync_is_a_gap(as_owner, account):
    connection = fill(account)
    day = now().date() - timedelta(days=3)
    with transaction():
        of_day = AudienceDay.connection_id == connection.id, AudienceDay.day == day
        db.session.execute(delete(AudienceDay).where(*of_day))
    page = as_owner.get("/audience").text
    assert f"<title>{day.day} {day:%b}: not counted</title>" in page
    assert re.search(r'<path class="line-0" d="M[^"]+M', page), "the pen is lifted"


def test_many_tiers_share_a_line(as_owner, connection):
    add_tiers(connection, 9)
    trend = statistics.get_trend(connection)
    assert trend.names == ["All customers", "Tier 8", "Tier 7", "Tier 6", "Tier 5", "5 more"]
    assert trend.latest == [135, 27, 24, 21, 18, 45]


def test_an_event_that_is_switched_off_is_not_missing(as_owner, account):
    fill(account)
    as_owner.post("/settings/integrations/stripe/events/renewed", data={})
    assert "Off" in plain(as_owner.get("/audience").text)


def test_many_tiers_are_listed_a_page_at_a_time(as_owner, connection):
    add_tiers(connection, 60)
    page = as_owner.get("/audience").text
    assert "Show all 180" in page
    assert page.count("Creative sets by audience and event") == 1
    assert as_owner.get("/audience?all=1").text.count("Nothing yet</span>") == 180


def test_nobody_and_no_amount_is_named(as_owner, account):
    fill(account)
    page = plain(as_owner.get("/audience").text)
    assert not re.search(r"[$€£]|\b(USD|EUR|GBP)\b", page)


def test_another_accounts_audience_is_not_counted(as_owner, account):
    fill(factories.make_account(name="Northlight"))
    factories.make_connection(account)
    assert "395" not in as_owner.get("/audience").text

"""The review queue: what a card tells, tabs, paging, and cards that appear by themselves."""

import html
import re

import pytest
from sqlalchemy import event

from manimod.creatives import brand_kit, review
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Connection
from manimod.models.accounts import now
from manimod.models.states import CreativeStatus
from tests.factories import make_connection

CARD = 'class="card creative"'


def ids(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<article id="creative-(\d+)"', page)]


def poll_address(page: str) -> str:
    """Where the open queue asks next."""
    return html.unescape(re.search(r'id="arrivals" hx-get="([^"]+)"', page)[1])


def test_a_card_tells_whom_what_and_how_quickly(as_owner, account, connection, add_creative):
    creative = add_creative(account, "cancelled", "Business", "high")
    card = as_owner.get("/creatives").text
    assert f'id="creative-{creative.id}"' in card
    assert f"/creatives/{creative.id}/1080x1080.svg?v=" in card
    for words in ("Win-back", "Business · High value", "Subscription cancelled", "TEST", "Ready 0.8 s after the event"):
        assert words in card


def test_a_live_creative_carries_no_test_badge(as_owner, account, connection, add_creative):
    add_creative(account, is_test=False)
    assert ">TEST<" not in as_owner.get("/creatives").text.split('id="queue-cards"')[1]


def test_the_tabs_count_and_divide(as_owner, account, connection, add_creative):
    waiting, approved = add_creative(account), add_creative(account, status="approved")
    assert f'id="creative-{approved.id}"' not in as_owner.get("/creatives").text
    page = as_owner.get("/creatives?status=approved").text
    assert f'id="creative-{approved.id}"' in page
    assert f'id="creative-{waiting.id}"' not in page
    assert as_owner.get("/creatives?status=odd").status_code == 404


def test_a_card_shows_each_of_its_variants(as_owner, account, connection, creative):
    card = as_owner.get("/creatives").text
    variants = creative.content["variants"]
    assert len(variants) > 1
    for place, variant in enumerate(variants):
        name = f"Variant {place + 1} of {len(variants)}: {variant['headline']}"
        assert f'aria-label="{name}"' in html.unescape(card)
    assert card.count('type="radio"') == len(variants)
    assert card.split("</article>")[0].count(" checked>") == 1


def test_a_set_of_several_events_says_how_many_and_when_the_last_came(as_owner, account, connection, creative):
    with transaction():
        creative.moments_count, creative.joined_at = 12, now()
    card = " ".join(re.sub("<[^>]+>", "", as_owner.get("/creatives").text).split())
    assert "12 events, the last just now" in card
    assert "after the first event" in card


def test_the_missing_landing_page_is_said_once(as_owner, account, connection, add_creative):
    for _ in range(3):
        add_creative(account)
    assert as_owner.get("/creatives").text.count("No landing page is set yet") == 1
    with transaction():
        brand_kit.save(account, {"name": account.name, "landing_page": "https://brightside.example"})
    assert "No landing page" not in as_owner.get("/creatives").text


def test_a_full_queue_goes_on_where_it_stopped(as_owner, account, connection, add_creative):
    first, *_, thirteenth = [add_creative(account).id for _ in range(13)]
    page = as_owner.get("/creatives").text
    assert (len(ids(page)), ids(page)[0]) == (12, thirteenth)
    more = html.unescape(re.search(r'hx-get="([^"]+)" hx-target="#more"', page)[1])
    rest = as_owner.htmx("get", more)
    assert ids(rest.text) == [first]
    assert "<html" not in rest.text
    assert "Show more" not in rest.text
    assert rest.headers["HX-Replace-Url"] == "/creatives?shown=24", "Back finds as many cards"
    assert len(ids(as_owner.get("/creatives?shown=24").text)) == 13
    assert len(ids(as_owner.get("/creatives?shown=-5").text)) == 12


def test_twelve_cards_are_all_there_is(as_owner, account, connection, add_creative):
    for _ in range(12):
        add_creative(account)
    assert "Show more" not in as_owner.get("/creatives").text


def test_all_reviewed_is_said_only_where_there_was_something(as_owner, account, add_creative):
    assert "Connect Stripe to get your first creatives" in as_owner.get("/creatives").text
    make_connection(account)
    page = as_owner.get("/creatives").text
    assert "No event yet" in page
    assert "All reviewed" not in page
    add_creative(account, status="approved")
    assert "All reviewed" in as_owner.get("/creatives").text
    assert "Nothing rejected yet" in as_owner.get("/creatives?status=rejected").text


def test_an_empty_queue_says_what_keeps_events_from_coming(as_owner, account, connection):
    with transaction():
        connection.last_error, connection.failing_since = "STRIPE_KEY_REJECTED", now()
    page = as_owner.get("/creatives").text.split('id="queue-empty"')[1]
    assert ">API key</strong>" in page
    assert "Replace the key" in page
    assert "seconds" not in page


def test_the_last_decision_says_what_comes_next(as_owner, connection, creative):
    answer = as_owner.htmx("post", f"/creatives/{creative.id}/approve", data={"tab": "waiting"})
    assert "All reviewed" in answer.text.split('id="queue-empty"')[1]


def test_under_a_filter_the_counts_say_of_how_many(as_owner, account, connection, add_creative):
    for kind in ("renewed", "cancelled", "cancelled"):
        add_creative(account, kind)
    page = as_owner.get("/creatives?event=cancelled").text
    assert '<span class="small fw-normal">2 of 3</span>' in page
    assert 'data-count="3"' in page, "the badge counts all"
    for creative_id in ids(page):
        answer = as_owner.htmx("post", f"/creatives/{creative_id}/reject?event=cancelled", data={"tab": "waiting"})
    assert "0 of 1" in answer.text
    assert "Without the filters there is\n      1." in answer.text
    assert "All reviewed" not in answer.text


def test_only_filters_that_are_set_stand_in_the_address(as_owner, account, connection, add_creative):
    add_creative(account, "renewed")
    answer = as_owner.get("/creatives?q=&objective=&event=renewed&segment=&tier=&test=")
    assert (answer.status_code, answer.location) == (302, "/creatives?event=renewed")
    answer = as_owner.htmx("get", "/creatives?q=&objective=&event=renewed&segment=&tier=&test=")
    assert answer.headers["HX-Push-Url"] == "/creatives?event=renewed"


def test_a_bookmarked_filter_that_finds_nothing_any_more_is_shown_and_can_be_cleared(
    as_owner, account, connection, add_creative
):
    add_creative(account)
    page = as_owner.get("/creatives?tier=Gone&event=unheard").text
    assert ids(page) == []
    assert '<option value="Gone" selected>Gone: none</option>' in page
    assert '<option value="unheard" selected>' in page
    assert ">Clear</a>" in page


@pytest.mark.both_databases
def test_the_queue_is_searched_by_headline_or_tier(as_owner, account, connection, add_creative):
    team, business = add_creative(account), add_creative(account, "cancelled", "Business", "high")
    assert ids(as_owner.get("/creatives?q=business").text) == [business.id]
    headline = team.content["variants"][0]["headline"]
    page = as_owner.get("/creatives", query_string={"q": headline.upper()}).text
    assert ids(page) == [team.id]
    assert f'name="q" maxlength="255" value="{html.escape(headline.upper())}"' in page.replace("&#39;", "&#x27;")
    assert ids(as_owner.get("/creatives?q=%25").text) == []


def test_new_cards_appear_by_themselves(as_owner, account, connection, add_creative):
    seen = add_creative(account)
    address = poll_address(as_owner.get("/creatives").text)
    nothing = as_owner.htmx("get", address)
    assert (nothing.status_code, nothing.text) == (204, "")

    new = add_creative(account, "renewed")
    answer = as_owner.htmx("get", address)
    assert answer.status_code == 200
    assert ids(answer.text) == [new.id]
    for piece in ("arrivals", "queue-tabs", "waiting-badge", "announcer"):
        assert f'id="{piece}"' in answer.text
    assert as_owner.htmx("get", poll_address(answer.text)).status_code == 204, "the next question starts from here"
    assert {seen.id, new.id} == set(ids(as_owner.get("/creatives").text))


def test_a_set_that_an_event_has_joined_comes_again_at_the_top(as_owner, account, connection, add_creative):
    joined, other = add_creative(account), add_creative(account, "renewed")
    page = as_owner.get("/creatives").text
    assert ids(page) == [other.id, joined.id]
    with transaction():
        joined.moments_count, joined.joined_at = 2, now()
    assert ids(as_owner.htmx("get", poll_address(page)).text) == [joined.id]
    assert ids(as_owner.get("/creatives").text) == [joined.id, other.id]


def test_what_another_tab_decided_leaves_with_the_poll(as_owner, account, owner, connection, add_creative):
    gone, kept = add_creative(account), add_creative(account)
    address = poll_address(as_owner.get("/creatives").text)
    with transaction():
        review.decide(gone, CreativeStatus.REJECTED, owner)
    answer = as_owner.htmx("get", address)
    assert ids(answer.text) == []
    assert f'data-ids="{kept.id}"' in answer.text
    assert 'data-count="1"' in answer.text
    assert as_owner.htmx("get", poll_address(answer.text)).status_code == 204


def test_more_than_one_answer_holds_come_with_the_next_poll(as_owner, account, connection, add_creative):
    add_creative(account)
    address = poll_address(as_owner.get("/creatives").text)
    new = [add_creative(account).id for _ in range(60)]
    first = as_owner.htmx("get", address).text
    assert ids(first) == new[:50][::-1]
    assert ids(as_owner.htmx("get", poll_address(first)).text) == new[50:][::-1]


def test_nobody_asks_where_nothing_can_come(as_owner, account):
    assert 'id="arrivals"' not in as_owner.get("/creatives").text
    assert as_owner.htmx("get", "/creatives/new?since=0").status_code == 286


def test_a_person_at_the_polling_address_is_sent_to_the_queue(as_owner, connection: Connection):
    assert as_owner.get("/creatives/new").location == "/creatives"


@pytest.mark.parametrize("address", ["/creatives", "/creatives?status=approved", "/creatives/{id}"])
def test_pages_vary_by_htmx(as_owner, connection, creative, address):
    assert "HX-Request" in as_owner.get(address.format(id=creative.id)).headers["Vary"]


def test_a_filter_is_led_by_an_index_to_its_tier_and_segment(as_owner, account, connection, add_creative):
    """However many creatives there are: without, a filter that matches nothing walks through all of them."""
    add_creative(account)
    plans = []

    def explain(connection, _cursor, statement, parameters, *_rest):
        if "count(*)" in statement and "creative.tier = ?" in statement and "EXPLAIN" not in statement:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(step.detail for step in steps if " creative " in step.detail)

    event.listen(db.engine, "before_cursor_execute", explain)
    as_owner.get("/creatives?tier=Business&segment=low")
    event.remove(db.engine, "before_cursor_execute", explain)
    assert plans
    led = "ix_creative_audience (account_id=? AND is_test=? AND tier=? AND segment=? AND status=?)"
    assert all(led in plan for plan in plans)

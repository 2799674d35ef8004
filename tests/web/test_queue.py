"""The review queue: what a card tells, tabs, paging, and cards that appear by themselves."""

import pytest
from sqlalchemy import event

from manimod.extensions import db
from manimod.models import Connection
from tests.factories import make_connection


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


def test_a_full_queue_goes_on_where_it_stopped(as_owner, account, connection, add_creative):
    first = add_creative(account)
    for _ in range(12):
        add_creative(account)
    page = as_owner.get("/creatives").text
    assert page.count('class="card creative"') == 12
    assert "Show more" in page
    rest = as_owner.htmx("get", f"/creatives?status=waiting&before={first.id + 1}").text
    assert rest.count('class="card creative"') == 1
    assert "<html" not in rest
    assert "Show more" not in rest
    assert "<html" in as_owner.get(f"/creatives?before={first.id + 1}").text


def test_an_empty_queue_says_what_to_do_next(as_owner, account):
    assert "Connect Stripe to get your first creatives" in as_owner.get("/creatives").text
    make_connection(account)
    assert "All reviewed" in as_owner.get("/creatives").text
    assert "Nothing approved yet" in as_owner.get("/creatives?status=approved").text


def test_new_cards_appear_by_themselves(as_owner, account, connection, add_creative):
    seen = add_creative(account)
    assert f'hx-get="/creatives/new?since={seen.id}"' in as_owner.get("/creatives").text
    nothing = as_owner.htmx("get", f"/creatives/new?since={seen.id}")
    assert (nothing.status_code, nothing.text) == (204, "")

    new = add_creative(account, "renewed")
    answer = as_owner.htmx("get", f"/creatives/new?since={seen.id}")
    assert answer.status_code == 200
    assert answer.text.count('class="card creative"') == 1
    assert f'id="creative-{new.id}"' in answer.text
    assert f'hx-get="/creatives/new?since={new.id}"' in answer.text, "the next question starts from here"
    for piece in ("arrivals", "queue-tabs", "waiting-badge", "announcer"):
        assert f'id="{piece}"' in answer.text


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

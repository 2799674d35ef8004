"""The number beside “Creatives” follows the queue on every page, and asks for little."""

import re

from tests import factories

BADGE = r'hx-get="(/waiting\?seen=\d+)" data-poll="15"'


def asked_by(page: str) -> str:
    return re.search(BADGE, page)[1]


def test_every_page_asks_but_the_open_queue_which_hears_of_it_first(as_owner, connection):
    for address in ("/", "/help", "/settings/account", "/creatives?status=approved"):
        assert asked_by(as_owner.get(address).text) == "/waiting?seen=0", address
    assert not re.search(BADGE, as_owner.get("/creatives").text)


def test_nothing_is_sent_while_nothing_has_changed(as_owner, connection, creative):
    answer = as_owner.htmx("get", asked_by(as_owner.get("/help").text))
    assert (answer.status_code, answer.text) == (204, "")


def test_a_new_creative_is_counted_announced_and_asked_about_from_there(as_owner, account, connection, add_creative):
    address = asked_by(as_owner.get("/help").text)
    add_creative(account)
    answer = as_owner.htmx("get", address)
    assert 'data-count="1"' in answer.text
    assert "A creative is ready for review." in answer.text
    assert answer.headers["HX-Trigger"] == "queue-changed", "the dashboard looks anew"
    assert as_owner.htmx("get", asked_by(answer.text)).status_code == 204


def test_several_are_announced_together(as_owner, account, connection, add_creative):
    add_creative(account)
    add_creative(account)
    assert "2 more creatives are ready for review." in as_owner.htmx("get", "/waiting?seen=0").text


def test_one_that_was_decided_elsewhere_leaves_in_silence(as_owner, account, connection, creative):
    as_owner.post(f"/creatives/{creative.id}/approve")
    answer = as_owner.htmx("get", "/waiting?seen=1")
    assert 'data-count="0"' in answer.text
    assert "announcer" not in answer.text


def test_without_a_connection_nothing_can_come_and_it_stops(as_owner):
    assert as_owner.htmx("get", "/waiting?seen=0").status_code == 286


def test_opened_by_hand_it_leads_to_the_queue(as_owner):
    assert as_owner.get("/waiting").location == "/creatives"


def test_another_accounts_creatives_are_not_counted(as_owner, connection, add_creative):
    stranger = factories.make_account(name="Northlight")
    add_creative(stranger)
    assert as_owner.htmx("get", "/waiting?seen=0").status_code == 204

"""Open pages ask whether something has come: while nothing has changed, that costs neither session nor database."""

import contextlib
import contextvars
import re

import pytest
import sqlalchemy.event

from manimod import jobs
from manimod.creatives import review
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account
from manimod.models.accounts import now
from tests import factories
from tests.applications import send_redis_away
from tests.stripe_events import customer, event

BADGE = "/waiting?seen=0"


def queue_address(client) -> str:
    """Where the open queue asks."""
    page = client.get("/creatives").text
    return re.search('id="arrivals" hx-get="([^"]+)"', page)[1].replace("&amp;", "&")


def ask(client, mark="", address=BADGE):
    return client.htmx("get", address, headers={"Queue-Mark": mark})


def mark_of(client, address=BADGE) -> str:
    answer = ask(client, address=address)
    assert answer.status_code == 204
    return answer.headers["Queue-Mark"]


def is_quick(client, mark: str) -> bool:
    """Whether the mark still stands: the answer needed no statement."""
    seen = []
    note = lambda *given: seen.append(given[2])  # noqa: E731
    sqlalchemy.event.listen(db.engine, "before_cursor_execute", note)
    try:
        answer = ask(client, mark)
    finally:
        sqlalchemy.event.remove(db.engine, "before_cursor_execute", note)
    assert seen or answer.status_code == 204
    return not seen


def test_an_unchanged_answer_costs_no_statement(as_owner, connection):
    assert not is_quick(as_owner, "")
    assert is_quick(as_owner, mark_of(as_owner))
    assert is_quick(as_owner, mark_of(as_owner, queue_address(as_owner))), "queue and badge share it"


def test_a_new_creative_is_in_the_next_answer(as_owner, account, connection, add_creative):
    address = queue_address(as_owner)
    mark = mark_of(as_owner, address)
    add_creative(account)
    assert 'class="card creative"' in ask(as_owner, mark, address).text


def test_what_comes_while_the_answer_is_written_is_in_it_or_in_the_next(as_owner, account, connection, add_creative):
    """SQLite shows a transaction what was there at its start, and the user is loaded before the mark is given."""
    address, get_mark = queue_address(as_owner), jobs.get_mark

    def come_meanwhile(account_id: int) -> str:
        contextvars.Context().run(come)
        return get_mark(account_id)

    def come() -> None:
        with as_owner.application.app_context():
            add_creative(db.session.get_one(Account, account.id))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "get_mark", come_meanwhile)
        first = ask(as_owner, address=address)
    seen = [first, ask(as_owner, first.headers.get("Queue-Mark", ""), address)]
    assert [answer for answer in seen if 'class="card creative"' in answer.text]


def test_an_answer_with_something_in_it_has_no_mark(as_owner, connection, creative):
    assert "Queue-Mark" not in ask(as_owner, address="/waiting?seen=0").headers


def test_the_mark_falls_with_each_event_that_joins_a_set(client, as_owner, connected, drain):
    drain()
    for number in range(2):
        mark = mark_of(as_owner, f"/waiting?seen={number}")
        sent = factories.signed(event("customer.created", customer(f"cus_{number}")))
        assert client.post(f"/webhooks/stripe/{connected.webhook_token}", **sent).status_code == 200
        drain()
        assert not is_quick(as_owner, mark)


@pytest.mark.parametrize("path", ["approve", "reject"])
def test_the_mark_falls_with_each_decision(as_owner, connection, creative, path):
    mark = mark_of(as_owner, "/waiting?seen=1")
    as_owner.post(f"/creatives/{creative.id}/{path}")
    assert not is_quick(as_owner, mark)
    mark = mark_of(as_owner)
    as_owner.post(f"/creatives/{creative.id}/reopen")
    assert not is_quick(as_owner, mark)


def test_the_mark_falls_with_a_new_version_and_with_many_decisions(as_owner, connection, creative):
    mark = mark_of(as_owner, "/waiting?seen=1")
    as_owner.post(f"/creatives/{creative.id}/rewrite")
    assert not is_quick(as_owner, mark)
    mark = mark_of(as_owner, "/waiting?seen=1")
    as_owner.post("/creatives/approve", data={"id": creative.id})
    assert not is_quick(as_owner, mark)


def test_the_mark_falls_when_a_creatives_window_ends(as_owner, account, connection, creative):
    with transaction():
        creative.run_until = now()
    mark = mark_of(as_owner, "/waiting?seen=1")
    with transaction():
        review.expire(account.id)
    assert not is_quick(as_owner, mark)


def test_what_is_rolled_back_changes_nothing(as_owner, account, connection, creative):
    mark = mark_of(as_owner, "/waiting?seen=1")
    with contextlib.suppress(ZeroDivisionError), transaction():
        creative.status = "approved"
        db.session.flush()
        raise ZeroDivisionError
    assert is_quick(as_owner, mark)


def test_another_accounts_creatives_leave_the_mark_alone(as_owner, connection, add_creative):
    mark = mark_of(as_owner)
    add_creative(factories.make_account(name="Northlight"))
    assert is_quick(as_owner, mark)


def test_a_mark_without_a_session_is_worth_nothing(app, as_owner, connection):
    mark = mark_of(as_owner)
    assert ask(app.test_client(), mark).status_code == 401


@pytest.mark.parametrize("mark", ["x", "1", "1-", "-", "1-guessed", f"{10**30}-x", "²-x"])
def test_an_invented_mark_is_worth_nothing(as_owner, connection, mark):
    mark_of(as_owner)
    assert not is_quick(as_owner, mark)


def test_a_mark_ends_by_itself_so_that_nothing_is_missed_for_long(as_owner, account, connection, valkey):
    mark_of(as_owner)
    assert 0 < valkey.ttl(f"mani:mark:{account.id}") <= 120


def test_while_redis_is_away_every_answer_is_a_whole_one(app, as_owner, connection, creative):
    mark = mark_of(as_owner, "/waiting?seen=1")
    send_redis_away(app)
    assert not is_quick(as_owner, mark)
    assert ask(as_owner, mark).status_code == 200

"""A page asks the database at most 15 times, that of the checks 20 times, however much there is to show."""

import time

import pytest
from rq import Worker
from rq.serializers import JSONSerializer
from sqlalchemy import event

from manimod.creatives import review
from manimod.extensions import db
from manimod.jobs import FAST, HEARTBEAT_KEY, SLOW
from tests import factories
from tests.browser.filling import fill, fill_support

BUDGET = 15
CHECKS_BUDGET = 20


@pytest.fixture
def count_queries(app):
    counted = []
    listener = lambda *_args: counted.append(_args[2])  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listener)
    yield counted
    event.remove(db.engine, "before_cursor_execute", listener)


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/audience",
        "/creatives",
        "/creatives?q=team&event=renewed",
        "/creatives/{id}?q=team&event=renewed",
        "/creatives/{id}",
        "/settings/integrations",
        "/settings/integrations/stripe",
        "/settings/account",
        "/help",
        "/troubleshooting/deliveries",
        "/troubleshooting/deliveries?type=customer.updated",
        "/troubleshooting/events/1",
    ],
)
def test_a_full_page_stays_within_the_budget(as_owner, account, creative, count_queries, address):
    fill(account)
    address = address.format(id=creative.id)
    count_queries.clear()
    assert as_owner.get(address).status_code == 200
    assert len(count_queries) <= BUDGET, count_queries


def test_the_checks_of_an_account_stay_within_it_as_well(as_owner, account, valkey, count_queries):
    """All checks on one page, with everybody at work, so that none goes without looking."""
    fill(account)
    for name in (FAST, SLOW):
        Worker([name], connection=valkey, serializer=JSONSerializer).register_birth()
    valkey.set(HEARTBEAT_KEY, 1)
    for address in ("/troubleshooting", "/test", f"/test?since={int(time.time())}"):
        count_queries.clear()
        assert as_owner.get(address).status_code == 200
        assert len(count_queries) <= CHECKS_BUDGET, count_queries


def test_support_pages_ask_a_bounded_number_of_times(as_support, support, account, count_queries):
    fill(account)
    for number in range(4):
        factories.make_account(name=f"Account {number}")
    fill_support(support)
    here = f"/support/accounts/{account.id}"
    for address, budget in (("/support", 12), (here, 40), (f"{here}/customers?q=cus_1", BUDGET)):
        count_queries.clear()
        assert as_support.get(address).status_code == 200
        assert len(count_queries) <= budget, count_queries


def test_asking_for_new_creatives_is_cheap(as_owner, account, connection, creative, count_queries):
    state = review.get_state(account, "waiting")
    for address in (f"/creatives/new?seen={state.version}", "/waiting?seen=1"):
        count_queries.clear()
        assert as_owner.htmx("get", address).status_code == 204
        assert len(count_queries) <= 8, count_queries  # once in two minutes: see tests/web/test_polling.py


def test_an_empty_queue_asks_what_the_checks_ask(as_owner, connection, valkey, count_queries):
    assert as_owner.get("/creatives").status_code == 200
    assert len(count_queries) <= CHECKS_BUDGET + 5, count_queries


def test_search_reads_no_more_than_the_index(as_owner, account, connection, creative):
    """However many creatives there are: headlines are looked for without their rows."""
    plans = []

    def explain(connection, _cursor, statement, parameters, *_rest):
        if "count(*)" in statement and "search_text" in statement and "EXPLAIN" not in statement:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(step.detail for step in steps if " creative " in step.detail)

    event.listen(db.engine, "before_cursor_execute", explain)
    as_owner.get("/creatives?q=team")
    event.remove(db.engine, "before_cursor_execute", explain)
    assert any("COVERING INDEX ix_creative_queue" in plan for plan in plans), plans

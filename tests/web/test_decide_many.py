"""Deciding about many creatives at once: the selected ones, or all that match; and one undo for all of them."""

import html
import re

import pytest

from manimod.jobs import transaction
from tests import factories


def undo_in(page: str) -> str:
    """Where the toast's undo posts to."""
    return html.unescape(re.search(r'action="(/creatives/reopen[^"]*)"', page)[1])


def statuses(creatives: list) -> list[str]:
    return [creative.status for creative in creatives]


@pytest.mark.both_databases
@pytest.mark.parametrize(("decision", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_the_selected_are_decided_and_one_undo_takes_all_back(
    as_owner, owner, account, connection, add_creative, decision, status
):
    creatives = [add_creative(account) for _ in range(3)]
    answer = as_owner.htmx("post", f"/creatives/{decision}", data={"id": [creatives[0].id, creatives[2].id]})
    assert statuses(creatives) == [status, "waiting", status]
    assert f"2 {status}." in answer.text
    assert answer.text.lstrip().startswith('<div id="queue">')
    assert [(review.action, review.user_id) for review in creatives[0].reviews] == [(status, owner.id)]
    undone = as_owner.htmx("post", undo_in(answer.text))
    assert "2 back in the queue." in undone.text
    assert statuses(creatives) == ["waiting"] * 3


@pytest.mark.both_databases
def test_all_that_match_are_decided_also_those_that_are_not_on_the_page(as_owner, account, connection, add_creative):
    matching = [add_creative(account, "renewed") for _ in range(15)]
    others = [add_creative(account), add_creative(factories.make_account(name="Elsewhere"), "renewed")]
    page = as_owner.get("/creatives?event=renewed").text
    assert "All 15 that match" in page
    newest = re.search(r'name="all" value="(\d+)"', page)[1]
    late = add_creative(account, "renewed")  # nobody has seen it
    data = {"all": newest, "matching": "15", "id": [matching[0].id]}
    answer = as_owner.htmx("post", "/creatives/reject?event=renewed", data=data)
    assert "15 rejected." in answer.text
    assert statuses(matching) == ["rejected"] * 15
    assert statuses([*others, late]) == ["waiting"] * 3
    as_owner.htmx("post", undo_in(answer.text))
    assert statuses(matching) == ["waiting"] * 15


def test_only_what_still_waits_is_decided_and_the_rest_is_counted(as_owner, account, connection, add_creative):
    creatives = [add_creative(account) for _ in range(3)]
    with transaction():
        creatives[1].status = "rejected"
    answer = as_owner.htmx("post", "/creatives/approve", data={"id": [creative.id for creative in creatives]})
    assert "2 approved. 1 had been decided meanwhile." in answer.text
    assert statuses(creatives) == ["approved", "rejected", "approved"]


def test_strangers_are_left_alone(as_owner, account, connection, add_creative):
    foreign = add_creative(factories.make_account(name="Elsewhere"))
    as_owner.htmx("post", "/creatives/approve", data={"id": [foreign.id]})
    as_owner.htmx("post", "/creatives/approve", data={"all": "999999", "matching": "1"})
    assert foreign.status == "waiting"


def test_nothing_selected_is_said(as_owner, connection, creative):
    answer = as_owner.htmx("post", "/creatives/approve")
    assert "Nothing was approved: select a creative first." in answer.text
    assert "/creatives/reopen" not in answer.text.split('id="toasts"')[1].replace("data-reopen", "")
    assert creative.status == "waiting"


def test_without_javascript_the_list_comes_again_with_the_undo(as_owner, account, connection, add_creative):
    creatives = [add_creative(account, "renewed") for _ in range(2)]
    answer = as_owner.post("/creatives/reject?event=renewed", data={"id": [creative.id for creative in creatives]})
    assert (answer.status_code, answer.location) == (303, "/creatives?event=renewed")
    undone = as_owner.post(undo_in(as_owner.get(answer.location).text))
    assert (undone.status_code, statuses(creatives)) == (303, ["waiting"] * 2)


@pytest.mark.parametrize("query", ["", "?reviews=", "?reviews=1", "?reviews=a-b", "?reviews=1-%C2%B2"])
def test_an_undo_that_nobody_offered_changes_nothing(as_owner, connection, creative, query):
    as_owner.htmx("post", f"/creatives/{creative.id}/approve", data={"tab": "waiting"})
    assert "Nothing to undo" in as_owner.htmx("post", f"/creatives/reopen{query}").text
    assert creative.status == "approved"


def test_several_decisions_are_taken_back_together(as_owner, account, connection, add_creative):
    creatives = [add_creative(account) for _ in range(3)]
    ranges = []
    for creative in creatives:
        toast = as_owner.htmx("post", f"/creatives/{creative.id}/reject", data={"tab": "waiting"}).text
        ranges.append(re.search(r'data-reviews="(\d+-\d+)"', toast)[1])
    answer = as_owner.htmx("post", "/creatives/reopen", query_string={"reviews": ranges})
    assert "3 back in the queue." in answer.text
    assert statuses(creatives) == ["waiting"] * 3

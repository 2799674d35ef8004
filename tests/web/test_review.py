"""Approve, reject and undo, on a card and on the creative's own page, with and without JavaScript."""

import pytest

DECISIONS = [("approve", "approved", "Approved."), ("reject", "rejected", "Rejected.")]


@pytest.mark.parametrize(("action", "status", "said"), DECISIONS)
def test_a_decided_card_leaves_the_queue(as_owner, owner, connection, creative, action, status, said):
    answer = as_owner.htmx("post", f"/creatives/{creative.id}/{action}", data={"tab": "waiting"})
    assert answer.status_code == 200
    assert 'class="card creative"' not in answer.text
    assert said in answer.text
    for piece in ("toasts", "queue-tabs", "waiting-badge"):
        assert f'id="{piece}"' in answer.text
    assert creative.status == status
    assert [(review.action, review.user_id) for review in creative.reviews] == [(status, owner.id)]


@pytest.mark.parametrize(("action", "status", "said"), DECISIONS)
def test_a_plain_form_goes_back_to_the_list_it_stood_in(as_owner, connection, creative, action, status, said):
    answer = as_owner.post(f"/creatives/{creative.id}/{action}", data={"tab": "waiting"})
    assert (answer.status_code, answer.location) == (303, "/creatives?status=waiting")
    page = as_owner.get("/creatives").text
    assert said in page
    assert f'action="/creatives/{creative.id}/reopen?tab=waiting"' in page, "the toast offers the way back"


def test_undo_brings_the_card_back(as_owner, connection, creative):
    toast = as_owner.htmx("post", f"/creatives/{creative.id}/approve", data={"tab": "waiting"}).text
    undo = f"/creatives/{creative.id}/reopen?tab=waiting"
    assert f'hx-post="{undo}" hx-target="#queue-cards" hx-swap="afterbegin"' in toast
    answer = as_owner.htmx("post", undo)
    assert answer.text.count('class="card creative"') == 1
    assert creative.status == "waiting"
    assert [review.action for review in creative.reviews] == ["approved", "reopened"]


def test_an_approved_card_can_go_back_to_the_queue(as_owner, account, connection, add_creative):
    creative = add_creative(account, status="approved")
    assert "Back to the queue" in as_owner.get("/creatives?status=approved").text
    answer = as_owner.htmx("post", f"/creatives/{creative.id}/reopen", data={"tab": "approved"})
    assert 'class="card creative"' not in answer.text
    assert creative.status == "waiting"


def test_the_creatives_own_page_stays(as_owner, connection, creative):
    answer = as_owner.htmx("post", f"/creatives/{creative.id}/reject", data={"reason": "Not our tone"})
    assert answer.text.lstrip().startswith('<section id="review"')
    assert "Not our tone" in answer.text
    assert 'hx-target="#review"' in answer.text
    plain = as_owner.post(f"/creatives/{creative.id}/reopen")
    assert (plain.status_code, plain.location) == (303, f"/creatives/{creative.id}")


def test_two_people_cannot_both_decide(as_owner, connection, creative):
    as_owner.post(f"/creatives/{creative.id}/approve")
    late = as_owner.htmx("post", f"/creatives/{creative.id}/reject", data={"tab": "waiting"})
    assert late.status_code == 409
    assert late.headers["HX-Reswap"] == "none"
    assert "approved meanwhile" in late.text
    assert as_owner.post(f"/creatives/{creative.id}/reject").status_code == 409
    assert creative.status == "approved"


def test_a_reason_is_shown_as_text(as_owner, connection, creative):
    as_owner.post(f"/creatives/{creative.id}/reject", data={"reason": "<script>alert(1)</script>"})
    assert "<script>alert" not in as_owner.get(f"/creatives/{creative.id}").text

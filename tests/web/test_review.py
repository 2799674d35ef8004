"""Approve, reject and undo, on a card and on the creative's own page, with and without JavaScript."""

import pytest

from manimod.jobs import transaction

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
    assert (answer.status_code, answer.location) == (303, "/creatives")
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


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_decision_on_its_own_page_leads_to_the_next_of_the_same_filters(
    as_owner, connection, add_creative, account, decision
):
    last, middle, _other, first = (
        add_creative(account, kind) for kind in ("renewed", "renewed", "cancelled", "renewed")
    )
    address = f"/creatives/{first.id}/{decision}?event=renewed"
    answer = as_owner.htmx("post", address)
    assert answer.headers["HX-Redirect"] == f"/creatives/{middle.id}?event=renewed"
    answer = as_owner.post(f"/creatives/{middle.id}/{decision}?event=renewed")
    assert (answer.status_code, answer.location) == (303, f"/creatives/{last.id}?event=renewed")
    page = as_owner.get(answer.location).text
    assert f"{decision.rstrip('e')}ed: Team" in page.replace("Reject", "reject").replace("Approv", "approv")
    assert f'action="/creatives/{middle.id}/reopen?event=renewed"' in page, "the toast offers the way back"
    assert as_owner.post(f"/creatives/{last.id}/{decision}?event=renewed").location == "/creatives?event=renewed"
    assert (
        as_owner.post(f"/creatives/{middle.id}/reopen?event=renewed").location
        == f"/creatives/{middle.id}?event=renewed"
    )


def test_two_people_cannot_both_decide_and_the_later_one_sees_how_it_stands(as_owner, owner, connection, creative):
    as_owner.post(f"/creatives/{creative.id}/approve")
    late = as_owner.htmx("post", f"/creatives/{creative.id}/reject", data={"tab": "waiting"})
    assert late.status_code == 200
    card, _, rest = late.text.partition("</article>")
    assert "This creative was approved meanwhile." in card
    assert owner.email in card
    assert "Back to the queue" in card
    for piece in ("queue-tabs", "waiting-badge", "announcer"):
        assert f'id="{piece}"' in rest
    own_page = as_owner.htmx("post", f"/creatives/{creative.id}/reject")
    assert own_page.text.lstrip().startswith('<section id="review"')
    assert "approved meanwhile" in own_page.text
    plain = as_owner.post(f"/creatives/{creative.id}/reject", data={"tab": "waiting"})
    assert (plain.status_code, plain.location) == (303, "/creatives")
    assert creative.status == "approved"


def test_a_card_with_texts_of_before_shows_those_of_today(as_owner, connection, creative):
    with transaction():
        creative.revision = 3
    late = as_owner.htmx("post", f"/creatives/{creative.id}/approve", data={"tab": "waiting", "revision": 2})
    assert "Somebody else has changed these texts meanwhile." in late.text
    assert '<input type="hidden" name="revision" value="3">' in late.text
    assert creative.status == "waiting"


def test_variants_are_approved_one_by_one(as_owner, connection, creative):
    names = [variant["angle_name"] for variant in creative.content["variants"]]
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert page.count('name="variant"') == len(names)
    answer = as_owner.htmx("post", f"/creatives/{creative.id}/approve", data={"by_variant": "1"})
    assert answer.status_code == 422
    assert "Select at least one variant" in answer.text
    as_owner.post(f"/creatives/{creative.id}/approve", data={"by_variant": "1", "variant": ["0"]})
    assert creative.left_out == list(range(1, len(names)))
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert f"Approved: 1 of {len(names)} variants" in page
    assert page.count("Not approved") == len(names) - 1
    card = as_owner.get("/creatives?status=approved").text
    assert "1 variant ·" in card
    assert 'type="radio"' not in card


def test_a_reason_is_shown_as_text(as_owner, connection, creative):
    as_owner.post(f"/creatives/{creative.id}/reject", data={"reason": "<script>alert(1)</script>"})
    assert "<script>alert" not in as_owner.get(f"/creatives/{creative.id}").text

"""Help answers the guide's questions from how the software behaves."""

import re

from tests.browser.filling import fill


def test_help_answers_the_guides_questions(as_owner):
    page = as_owner.get("/help").text
    for question in (
        "What you can do once connected",
        "API key rejected",
        "No events triggering",
        "Customer data not appearing",
        "Is my payment data safe?",
        "Which Stripe data does mani use?",
        "Can I use test mode first?",
        "Does this work with Stripe Billing?",
    ):
        assert question in page


def test_every_place_that_help_names_exists(as_owner, account):
    fill(account)
    page = as_owner.get("/help").text
    for address in set(re.findall(r'href="(/[^"]*)"', page)) - {"/help"}:
        path, _, anchor = address.partition("#")
        answer = as_owner.get(path)
        assert answer.status_code in (200, 302), address
        assert not anchor or f'id="{anchor}"' in answer.text, address


def test_help_is_there_before_anything_is_connected(as_owner):
    assert as_owner.get("/help").status_code == 200

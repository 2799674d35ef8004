"""Help answers the guide's questions from how the software behaves."""

import html
import re

from manimod.lifecycle import KINDS
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


def test_help_says_how_to_test_each_event(as_owner, connected, stripe_account):
    section = html.unescape(as_owner.get("/help").text.split('id="test-events"')[1].split("</section>")[0])
    for kind in KINDS.values():
        assert kind.name in section
    for words in (
        "4000 0000 0000 0341",
        "stripe trigger customer.created",
        "stripe trigger customer.subscription.deleted",
        "stripe test_helpers test_clocks advance",
        f"https://dashboard.stripe.com/b/{stripe_account['id']}?destination=%2Ftest%2Fbilling%2Fsubscriptions%2Ftest-clocks",
    ):
        assert words in section

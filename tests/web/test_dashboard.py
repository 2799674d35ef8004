import re

from manimod.jobs import transaction
from manimod.models import Account
from tests.browser.filling import fill


def test_the_setup_is_a_checklist_with_one_next_step(as_owner):
    page = as_owner.get("/").text
    assert "Set up mani with Stripe" in page
    assert page.count("<details open>") == 1
    assert "What good looks like" in page
    assert "Common error" in page


def test_once_set_up_the_numbers_take_its_place(as_owner, account):
    fill(account)
    page = as_owner.get("/").text
    assert "Connected to <strong>Brightside Studio</strong>" in page
    page = re.sub(r"<time[^>]*>|</time>", "", page)
    for words in ("Waiting for review", "Customers by tier", "Team", "Last event 1 minute ago", "0.8 s"):
        assert words in page
    assert "Set up mani with Stripe" not in page


def test_names_are_shown_as_text(as_owner, account: Account):
    with transaction():
        account.name = "<b>Bold & Co</b>"
    page = as_owner.get("/").text
    assert "<b>Bold" not in page
    assert "&lt;b&gt;Bold &amp; Co" in page


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

"""The tiers card: Stripe's names where the key may read them, else the owner's."""

import itertools
from collections.abc import Callable

import pytest

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Customer, Tier
from manimod.models.accounts import now
from tests import factories

PAGE = "/settings/integrations/stripe"


@pytest.fixture
def add_tier(connection) -> Callable[..., Tier]:
    numbers = itertools.count(1)

    def add(**columns: object) -> Tier:
        with transaction():
            tier = Tier(connection_id=connection.id, stripe_product_id=f"prod_{next(numbers)}", **columns)
            db.session.add(tier)
        return tier

    return add


def row(client, tier: Tier) -> str:
    """How the page shows the tier."""
    return in_page(client.get(PAGE).text, tier)


def in_page(page: str, tier: Tier) -> str:
    return page.split(f'<li id="tier-{tier.id}"')[1].split('<li id="tier-')[0].split("</section>")[0]


def rename(client, tier: Tier, name: str):
    return client.htmx("post", f"{PAGE}/tiers/{tier.id}", data={"name": name})


def test_before_the_first_sync_it_says_when_tiers_appear(as_owner, connection):
    assert "No tiers yet. They appear with the first sync" in as_owner.get(PAGE).text


def test_a_tier_with_stripes_name_shows_it_with_its_place(as_owner, add_tier):
    shown = row(as_owner, add_tier(product_name="Team", position="entry", features=["Timeline view"]))
    assert ">Team</strong>" in shown
    assert "name from Stripe" in shown
    assert "Your lowest price" in shown
    assert "<details" in shown
    assert " open>" not in shown


def test_without_a_product_name_the_prices_nickname_waits_to_be_confirmed(as_owner, add_tier):
    tier = add_tier(nickname="pro yearly")
    shown = row(as_owner, tier)
    assert ">Without a name</strong>" in shown
    assert "a note for it, “pro yearly”, which customers never see" in shown
    assert 'value="pro (annual)"' in shown
    assert "Ads say it once you confirm it" in shown
    assert " open>" in shown
    assert "Saved: the next creatives say pro (annual)." in rename(as_owner, tier, "pro (annual)").text
    assert "confirm" not in row(as_owner, tier)


def test_a_note_that_is_no_name_is_not_even_proposed(as_owner, add_tier):
    shown = row(as_owner, add_tier(nickname="JM special, ask Tom"))
    assert 'value=""' in shown
    assert "confirm" not in shown


def test_htmx_gets_the_renamed_row(as_owner, add_tier):
    tier = add_tier(nickname="pro yearly")
    answer = rename(as_owner, tier, "  Pro   annual ")
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith(f'<li id="tier-{tier.id}"')
    assert ">Pro annual</strong>" in answer.text
    assert "Saved: the next creatives say Pro annual." in answer.text
    assert tier.owner_name == "Pro annual"


def test_a_plain_form_is_sent_back_to_the_card(as_owner, add_tier):
    answer = as_owner.post(f"{PAGE}/tiers/{add_tier(nickname='pro').id}", data={"name": "Pro"})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#tiers")


def test_an_empty_name_goes_back_to_stripes(as_owner, add_tier):
    tier = add_tier(product_name="Team", owner_name="Crew")
    assert rename(as_owner, tier, "").status_code == 200
    assert tier.name == "Team"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "needs a name of 1 to 80 characters"),
        ("x" * 81, "needs a name of 1 to 80 characters"),
        ("<b>Pro</b>", "No ad may print this name"),
    ],
)
def test_a_name_that_does_not_do_is_explained_next_to_the_field(as_owner, add_tier, name, sentence):
    tier = add_tier(nickname="pro")
    answer = rename(as_owner, tier, name)
    assert answer.status_code == 422
    assert answer.text.lstrip().startswith(f'<li id="tier-{tier.id}"')
    assert sentence in answer.text
    assert "<b>" not in answer.text
    assert tier.owner_name is None
    plain = as_owner.post(f"{PAGE}/tiers/{tier.id}", data={"name": name})
    assert plain.status_code == 422
    assert sentence in in_page(plain.text, tier)


def test_a_name_of_stripe_that_no_ad_may_print_is_pointed_out(as_owner, add_tier):
    shown = row(as_owner, add_tier(product_name="Team {legacy}"))
    assert "Ads leave this name out" in shown
    assert "Ads leave" not in row(as_owner, add_tier(product_name="Team", nickname=None, position=None))


def test_a_cleaned_name_stands_beside_what_stripe_says(as_owner, add_tier):
    shown = row(as_owner, add_tier(product_name="Pro &amp; Team - $9/mo", position="entry"))
    assert ">Pro &amp; Team</strong>" in shown
    assert "Stripe says “Pro &amp;amp; Team - $9/mo”" in shown
    assert "Ads leave" not in shown


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"product_name": "pro_plan_v2"}, "it looks like an internal code"),
        ({"product_name": "$9 plan", "nickname": "Solo"}, "it says no more than that it is a plan"),
    ],
)
def test_a_tier_whose_name_is_none_says_why_and_asks_for_one(as_owner, add_tier, columns, reason):
    shown = row(as_owner, add_tier(**columns))
    assert ">Without a name</strong>" in shown
    assert f"Ads leave this name out: {reason}." in shown
    assert f"Stripe says “{columns['product_name']}”" in shown
    assert " open>" in shown


def test_the_owners_name_goes_before_one_that_was_left_out(as_owner, add_tier):
    tier = add_tier(product_name="pro_plan_v2")
    assert "Saved: the next creatives say Crew, 5 seats." in rename(as_owner, tier, "Crew, 5 seats").text
    assert ">Crew, 5 seats</strong>" in row(as_owner, tier)
    assert "Saved: the next creatives name no tier." in rename(as_owner, tier, "").text


def test_a_trial_in_stripe_is_said_and_left_to_the_owner_to_offer(as_owner, add_tier):
    shown = row(as_owner, add_tier(product_name="Team", trial_days=14))
    assert "Stripe has a trial of 14 days for it" in shown
    assert "/settings/brand#offers" in shown
    assert "trial" not in row(as_owner, add_tier(product_name="Team"))


def test_an_archived_tier_is_shown_as_such(as_owner, add_tier):
    assert "archived in Stripe" in row(as_owner, add_tier(product_name="Team", active=False))
    assert "archived" not in row(as_owner, add_tier(product_name="Team", nickname=None, position=None))


def test_a_strangers_tier_is_not_there(app, add_tier):
    stranger = factories.make_owner(factories.make_account(name="Stranger"))
    factories.make_connection(stranger.account)
    tier = add_tier(nickname="pro")
    assert rename(app.test_client().sign_in(stranger), tier, "Mine").status_code == 404
    assert tier.owner_name is None


# --- what a tier does -------------------------------------------------------------------------------------------------


def save_lines(client, tier: Tier, lines: str):
    return client.htmx("post", f"{PAGE}/tiers/{tier.id}/lines", data={"lines": lines})


def test_what_stripe_lists_is_shown_with_its_source(as_owner, add_tier):
    listed = ["Everything in Starter, plus:", "✓ Timeline view", "20 automations a month", "Mobile app (coming soon)"]
    shown = row(as_owner, add_tier(product_name="Team", position="entry", features=listed))
    assert "Stripe says:" in shown
    assert "<li>Everything in Starter, plus</li><li>Timeline view</li><li>20 automations a month</li>" in shown
    assert "Ads leave out “Mobile app (coming soon)”." in shown
    assert "one short set" not in shown


def test_a_tier_of_which_nothing_is_known_is_asked_about(as_owner, add_tier):
    shown = row(as_owner, add_tier(product_name="Team", position="single"))
    assert "mani writes one short set per event until it knows what Team does." in shown
    assert "What does Team do? One thing per line; three are enough." in shown
    assert " open>" in shown


def test_a_proposal_is_prefilled_and_said_only_once_it_is_confirmed(as_owner, add_tier):
    tier = add_tier(product_name="Team", position="single", notes={"features": "Ad-free feed | Listener chat"})
    shown = row(as_owner, tier)
    assert "\nAd-free feed\nListener chat</textarea>" in shown
    assert "Proposed from the product's description in Stripe." in shown
    assert "<li>Ad-free feed</li>" not in shown
    answer = save_lines(as_owner, tier, "Ad-free feed\n\n  Listener   chat ")
    assert "Saved: the next creatives know what Team does." in answer.text
    assert tier.owner_lines == ["Ad-free feed", "Listener chat"]
    shown = row(as_owner, tier)
    assert "You say:" in shown
    assert "<li>Ad-free feed</li><li>Listener chat</li>" in shown


def test_the_owners_words_go_before_stripes_until_they_are_emptied(as_owner, add_tier):
    tier = add_tier(product_name="Team", position="single", features=["Timeline view"])
    save_lines(as_owner, tier, "Shared calendars")
    assert "<li>Shared calendars</li>" in row(as_owner, tier)
    assert "<li>Timeline view</li>" not in row(as_owner, tier)
    save_lines(as_owner, tier, "")
    assert "<li>Timeline view</li>" in row(as_owner, tier)


def test_saving_what_stripe_lists_goes_on_following_stripe(as_owner, add_tier):
    tier = add_tier(product_name="Team", position="single", features=["Timeline view", "Mobile app (coming soon)"])
    save_lines(as_owner, tier, "Timeline view")
    assert tier.owner_lines == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("✗ Priority support", "“✗ Priority support”: "),
        ("{seats} seats", "“{seats} seats”: "),
        ("Your payment failed", "“Your payment failed”: "),
        ("x" * 81, "It has more than 80 characters."),
        ("\n".join(f"Thing {number}" for number in range(16)), "At most 15 lines."),
    ],
)
def test_each_line_that_no_ad_may_say_is_explained_and_nothing_is_lost(as_owner, add_tier, line, sentence):
    tier = add_tier(product_name="Team", position="single")
    answer = save_lines(as_owner, tier, f"Timeline view\n{line}")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f"\nTimeline view\n{line}</textarea>" in answer.text
    assert tier.owner_lines == []
    plain = as_owner.post(f"{PAGE}/tiers/{tier.id}/lines", data={"lines": line})
    assert plain.status_code == 422
    assert sentence in in_page(plain.text, tier)


def test_a_customers_name_is_not_what_a_tier_does(as_owner, connection, add_tier):
    with transaction():
        customer = Customer(connection_id=connection.id, stripe_id="cus_1", name="Marisol Quux", created_at=now())
        db.session.add(customer)
    assert "customer" in save_lines(as_owner, add_tier(product_name="Team"), "Chosen by Marisol Quux").text


def test_lines_that_somebody_else_saved_meanwhile_are_told_before_they_are_replaced(as_owner, add_tier):
    tier = add_tier(product_name="Team")
    save_lines(as_owner, tier, "Calendar view")
    address = f"{PAGE}/tiers/{tier.id}/lines"
    late = as_owner.htmx("post", address, data={"lines": "Timeline view", "seen": ""})
    assert late.status_code == 422
    assert "Somebody else has saved “Calendar view” meanwhile." in late.text
    assert "Timeline view</textarea>" in late.text
    assert 'name="seen" value="Calendar view"' in late.text
    assert as_owner.htmx("post", address, data={"lines": "Timeline view", "seen": "Calendar view"}).status_code == 200
    assert tier.owner_lines == ["Timeline view"]


def test_a_plain_form_of_lines_is_sent_back_to_the_card(as_owner, add_tier):
    answer = as_owner.post(f"{PAGE}/tiers/{add_tier(product_name='Team').id}/lines", data={"lines": "Timeline view"})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#tiers")


def test_a_strangers_tier_gets_no_lines(app, add_tier):
    stranger = factories.make_owner(factories.make_account(name="Stranger"))
    factories.make_connection(stranger.account)
    tier = add_tier(product_name="Team")
    assert save_lines(app.test_client().sign_in(stranger), tier, "Mine").status_code == 404
    assert tier.owner_lines == []


def test_products_of_one_tier_are_asked_about_once(as_owner, add_tier):
    team = add_tier(product_name="Team", position="single", is_one_of_several=True)
    yearly = add_tier(product_name="Team - Annual", position="single", is_one_of_several=True, is_sold=True)
    assert "What does Team do?" in row(as_owner, team)
    shown = row(as_owner, yearly)
    assert "<textarea" not in shown
    assert "Sold as the same tier as Team: say there what it does." in shown
    assert ">Team</strong>" in shown


def test_the_steps_of_the_ladder_are_named(as_owner, add_tier):
    upper = add_tier(product_name="Scale", position="top")
    lower = add_tier(product_name="Team", position="entry", next_product=upper.stripe_product_id, is_sold=True)
    assert "Your lowest price · the next one is Scale" in row(as_owner, lower)


def test_what_no_ad_offers_is_folded_away(as_owner, add_tier):
    add_tier(product_name="Team", position="single")
    add_tier(product_name="Old", active=False, nickname=None)
    page = as_owner.get(PAGE).text
    assert "1 product that no ad offers" in page
    assert page.index(">Team</strong>") < page.index("that no ad offers") < page.index(">Old</strong>")

"""Ads show the facts they rest on; where one changes, they are flagged, not exported, and written anew in one press."""

import html
import re
from datetime import timedelta

import pytest

from manimod.creatives import briefs, editing, export, learning, review
from manimod.creatives.engine.copy import copywriter
from manimod.customers import catalogue
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Connection, Creative, Tier
from manimod.models.accounts import now
from manimod.models.states import CreativeStatus
from tests import factories
from tests.customers.holdings import add_price

FEATURES = ["Timeline view", "Approvals", "Unlimited boards", "Guest access"]
CHANGED = "What these ads rest on has changed."


@pytest.fixture
def connection(account) -> Connection:
    return factories.make_connection(account, livemode=True)


@pytest.fixture
def team(connection) -> Tier:
    """The only tier of the account, with what Stripe says of it."""
    with transaction():
        tier = Tier(connection_id=connection.id, stripe_product_id="prod_team", product_name="Team", features=FEATURES)
        db.session.add(tier)
        add_price(connection, "Team month", 4900, tier="team", interval="month")
        db.session.flush()
        catalogue.place_tiers(connection.id)
    return tier


@pytest.fixture
def creative(account, team) -> Creative:
    """An approved set for customers who have the tier, as mani writes it."""
    return write_approved(account, "renewed", "core")


def write_approved(account, event: str, segment: str, **stored: object) -> Creative:
    """`stored`: in the brand kit."""
    with transaction():
        kit = briefs.get_brand_kit(account)
        kit.landing_page, kit.version = "https://brightside.example/", 1
        for column, value in stored.items():
            setattr(kit, column, value)
        db.session.add(kit)
        brief = briefs.get_brief(account, event, segment=segment, **briefs.get_tiers(account, "prod_team"))
        content = copywriter.write(brief)
        creative = Creative(
            account_id=account.id,
            objective=content.objective,
            event=event,
            tier="Team",
            segment=segment,
            stripe_product_id="prod_team",
            status="approved",
            content=content.to_json(),
            source="webhook",
            run_from=now(),
            run_until=now() + timedelta(days=14),
            occurred_at=now(),
            received_at=now(),
            detected_at=now(),
        )
        db.session.add(creative)
    return creative


def change(**columns: object) -> None:
    with transaction():
        tier = db.session.query(Tier).one()
        for column, value in columns.items():
            setattr(tier, column, value)


def exported(account) -> tuple[int, dict[int, str]]:
    """How many sets an export holds, and what is left out with its reason."""
    db.session.rollback()
    approved = db.session.scalars(export.ExportSelection().query(account)).all()
    exportable, left_out = export.judge(account, approved)
    return len(exportable), {int(number): why for number, why in left_out.items()}


@pytest.mark.both_databases
def test_an_ad_names_the_fact_and_where_it_is_stored(as_owner, creative):
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert "What it rests on" in page
    stated = {claim.basis for ad in copywriter.CreativeSet.from_json(creative.content).variants for claim in ad.claims}
    named = [feature for feature in FEATURES if feature in stated]
    assert len(named) >= 3
    assert "Stripe’s product" in page
    assert CHANGED not in page


def day(days_ago: int) -> str:
    return str((now() - timedelta(days=days_ago)).date())


def note(days_ago: int, tier: str | None = None) -> dict:
    return {"text": "Shared calendars", "released_on": day(days_ago), "tier": tier}


def offer(days_ago: int) -> dict:
    return {"text": "20% off for three months", "kind": "discount", "code": None, "ends_on": day(days_ago)}


def links_of(page: str, ad: int = 0) -> dict[str, list[str]]:
    """Of one ad: the addresses that the numbers beside its sentences lead to, and the ids and links of its sources."""
    card = page.split(f'id="variant-{ad}"')[1].split('class="accordion')[0]
    rows = card.split('<ol class="sources')[1]
    return {
        "numbers": re.findall(r'<a href="#([^"]+)" aria-describedby', card),
        "rows": re.findall(r'<li [^>]*id="([^"]+)"', rows),
        "links": re.findall(r'<a href="([^"]+)"', rows),
    }


def test_each_sentence_leads_to_the_rows_of_what_it_states_and_each_row_to_where_it_is_changed(as_owner, creative):
    page = as_owner.get(f"/creatives/{creative.id}").text
    for ad in range(3):
        found = links_of(page, ad)
        assert found["numbers"]
        assert set(found["numbers"]) <= set(found["rows"])
        assert len(found["rows"]) == len(found["links"])
        for address in set(found["links"]):
            path, _, part = address.partition("#")
            assert f'id="{part}"' in as_owner.get(path).text


@pytest.mark.parametrize(
    ("stored", "says", "part"),
    [
        ({"releases": [note(2)]}, "Release note", "releases"),
        ({"offers": [offer(-99)]}, "Approved offer", "offers"),
        ({"support": "https://help.brightside.example"}, "Where customers get help", "support"),
    ],
)
def test_a_row_of_the_brand_kit_leads_to_its_part_of_the_brand_page(as_owner, account, team, stored, says, part):
    creative = write_approved(account, "cancelled", "high", **stored)
    page = as_owner.get(f"/creatives/{creative.id}").text
    address = f"/settings/brand#{part}"
    assert f'<a href="{address}">{says}</a>' in page
    assert f'id="{part}"' in as_owner.get("/settings/brand").text


def test_words_that_a_person_has_typed_lead_only_to_what_they_still_say(as_owner, owner, account, creative):
    with transaction():
        review.decide(creative, CreativeStatus.WAITING, owner)
        texts = {"headline": "Plan with your whole team", "body": "Boards have no limit."}
        editing.edit(creative, 0, texts, owner, None)
    page = as_owner.get(f"/creatives/{creative.id}").text
    heading = page.split("Plan with your whole team", 2)[-1].split("</h2>")[0]
    assert "source-mark" not in heading


@pytest.mark.both_databases
def test_ads_are_exported_while_their_facts_are_stored(account, creative):
    assert exported(account) == (1, {})
    change(features=[*FEATURES, "Workload reports"])
    assert exported(account) == (1, {})


@pytest.mark.both_databases
def test_a_fact_that_goes_keeps_its_ads_out_of_the_export(as_owner, account, creative):
    change(features=["Calendar view", "Time tracking"])
    number, blocked = exported(account)
    assert number == 0
    assert "isn't stored for Team any more. Ask for a new version." in blocked[creative.id]
    assert CHANGED in as_owner.get(f"/creatives/{creative.id}").text
    assert "Ask for a new version" in as_owner.get("/creatives?status=approved").text


@pytest.mark.both_databases
def test_one_press_writes_them_anew_for_review(as_owner, account, creative):
    change(features=["Calendar view", "Time tracking", "Gantt charts"])
    answer = as_owner.post(f"/creatives/{creative.id}/rewrite")
    assert answer.status_code == 303
    db.session.rollback()
    assert creative.status == "waiting"
    assert not briefs.StoredFacts(account).lost_claims(creative)
    assert "alendar view" in str(creative.content)
    assert CHANGED not in as_owner.get(f"/creatives/{creative.id}").text


def test_a_change_of_facts_counts_against_no_angle(as_owner, owner, account, creative):
    with transaction():
        review.decide(creative, CreativeStatus.WAITING, owner)
        review.decide(creative, CreativeStatus.APPROVED, owner)
    approved = {ad["angle"] for ad in creative.content["variants"]}
    change(features=["Calendar view", "Time tracking", "Gantt charts"])
    as_owner.post(f"/creatives/{creative.id}/rewrite")
    db.session.rollback()
    weights = learning.get_preferences(account).angles
    assert set(weights) == approved, "the approval is of the ads that were seen"
    assert all(weight > 1 for weight in weights.values())


def test_a_renamed_tier_is_said_by_its_new_name(as_owner, account, creative):
    change(owner_name="Crew")
    assert exported(account)[0] == 0
    as_owner.post(f"/creatives/{creative.id}/rewrite")
    db.session.rollback()
    assert creative.tier == "Crew"
    assert "Team" not in str(creative.content["variants"])


def test_a_renamed_brand_is_said_by_its_new_name(as_owner, account, creative):
    assert account.name in str(creative.content)
    with transaction():
        briefs.get_brand_kit(account).name = "Lumen House"
    assert exported(account)[0] == 0
    as_owner.post(f"/creatives/{creative.id}/rewrite")
    db.session.rollback()
    assert account.name not in str(creative.content["variants"])


def test_after_a_rename_one_press_writes_all_anew_and_none_is_exported_before(as_owner, account, team):
    """Of waiting and approved ones; no export and no card keeps the old name."""
    old = account.name
    approved = [write_approved(account, event, "core") for event in ("renewed", "cancelled", "new_customer")]
    with transaction():
        approved[0].status = "waiting"
        kit = briefs.get_brand_kit(account)
        fields = {"name": "Lumen House", "tone": kit.tone, "landing_page": kit.landing_page, "version": kit.version}
        fields |= {"primary_colour": kit.primary_colour, "accent_colour": kit.accent_colour}
    page = as_owner.htmx("post", "/settings/brand", data=fields).text
    assert "Brand kit saved." in page
    assert "Write them anew" in page
    assert exported(account)[0] == 0
    for tab in ("waiting", "approved"):
        queue = html.unescape(as_owner.get(f"/creatives?status={tab}").text)
        assert "isn't the brand's name any more" in queue
        assert "Write them anew" in queue
    answer = as_owner.post("/settings/brand/rewrite")
    assert answer.location == "/creatives"
    queue = as_owner.get("/creatives").text
    assert "3 creatives written anew" in queue
    assert "Write them anew" not in queue
    db.session.rollback()
    for creative in approved:
        assert creative.status == "waiting"
        assert old not in str(creative.content["variants"])
        assert "Lumen House" in str(creative.content["variants"])
        as_owner.post(f"/creatives/{creative.id}/approve")
    assert exported(account) == (3, {})


LEFT = ("cancelled", "high")


@pytest.mark.parametrize(
    ("audience", "stored", "later", "sentence"),
    [
        (
            LEFT,
            {"releases": [note(2)]},
            {"releases": [note(91)]},
            "call “Shared calendars” new, which it isn't any more",
        ),
        (LEFT, {"releases": [note(2)]}, {"releases": [note(2, "prod_other")]}, "call “Shared calendars” new"),
        (LEFT, {"offers": [offer(-99)]}, {"offers": [offer(1)]}, "which has ended"),
        (LEFT, {"offers": [offer(-99)]}, {"offers": []}, "which has ended or has changed"),
        (LEFT, {"name": "Lumen House"}, {"name": "Paper Crane"}, "isn't the brand's name any more"),
    ],
    ids=["outdated note", "note of another tier", "ended offer", "withdrawn offer", "name"],
)
def test_what_ends_keeps_its_ads_out_until_one_press(as_owner, account, team, audience, stored, later, sentence):
    creative = write_approved(account, *audience, **stored)
    assert exported(account) == (1, {})
    with transaction():
        kit = briefs.get_brand_kit(account)
        for column, value in later.items():
            setattr(kit, column, value)
    number, blocked = exported(account)
    assert number == 0
    assert sentence in blocked[creative.id]
    page = html.unescape(as_owner.get(f"/creatives/{creative.id}").text)
    assert CHANGED in page
    assert sentence in page
    as_owner.post(f"/creatives/{creative.id}/rewrite")
    db.session.rollback()
    assert creative.status == "waiting"
    assert not briefs.StoredFacts(account).lost_claims(creative)


def test_nobody_is_called_back_to_a_tier_that_is_archived(as_owner, account, team):
    creative = write_approved(account, "cancelled", "high")
    assert exported(account) == (1, {})
    change(active=False)
    with transaction():
        catalogue.place_tiers(team.connection_id)
    assert "“Team”, which isn't sold by this name any more" in exported(account)[1][creative.id]
    assert as_owner.post(f"/creatives/{creative.id}/rewrite").location == f"/creatives/{creative.id}"
    db.session.rollback()
    assert not briefs.StoredFacts(account).lost_claims(creative)
    assert "Team" not in str(creative.content["variants"])
    page = html.unescape(as_owner.get(f"/creatives/{creative.id}").text)
    assert "This tier is archived in Stripe" in page
    assert "Say what Team does" not in page


def test_nobody_is_led_to_a_next_tier_that_is_archived(as_owner, account, connection, team):
    with transaction():
        lines = ["Workload reports", "Single sign-on", "Audit log"]
        business = Tier(
            connection_id=connection.id, stripe_product_id="prod_business", product_name="Business", features=lines
        )
        db.session.add(business)
        add_price(connection, "Business month", 9900, tier="business", interval="month")
        db.session.flush()
        catalogue.place_tiers(connection.id)
    creative = write_approved(account, "renewed", "high")
    assert "Business" in str(creative.content["variants"])
    assert exported(account) == (1, {})
    with transaction():
        business.active = False
        catalogue.place_tiers(connection.id)
    assert "These ads name Business as the next plan, which it isn't any more." in exported(account)[1][creative.id]
    as_owner.post(f"/creatives/{creative.id}/rewrite")
    db.session.rollback()
    assert "Business" not in str(creative.content["variants"])


def test_who_has_an_archived_tier_is_still_told_what_it_does(account, team):
    change(active=False)
    with transaction():
        catalogue.place_tiers(team.connection_id)
    creative = write_approved(account, "renewed", "core")
    assert "Timeline view" in str(creative.content["variants"])


def test_an_approved_set_whose_facts_hold_is_not_written_anew(as_owner, creative):
    assert as_owner.post(f"/creatives/{creative.id}/rewrite").status_code == 409


def test_a_set_of_names_alone_asks_for_facts(as_owner, account, creative):
    change(features=[])
    as_owner.post(f"/creatives/{creative.id}/rewrite")
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert "mani knows names only" in page
    assert "Say what Team does" in page
    assert "Generic" not in page

"""Reviewing: edits are judged again, new versions keep the history, and two who press at once don't both win."""

from datetime import timedelta

import pytest

from manimod.creatives import briefs, editing, review
from manimod.creatives.review import Place
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Creative, Customer
from manimod.models.accounts import now
from manimod.models.states import CreativeStatus
from tests import factories
from tests.browser.filling import make_creative


def store(account, *audience, **more) -> Creative:
    creative = make_creative(account, *audience, **more)
    with transaction():
        db.session.add(creative)
    return creative


@pytest.fixture
def creative(account):
    return store(account)


def edit(creative, by, index=0, revision=None, **texts):
    with transaction():
        seen = creative.revision if revision is None else revision
        editing.edit(creative, index, {key.replace("__", "."): text for key, text in texts.items()}, by, seen)


@pytest.mark.both_databases
def test_an_edit_is_stored_with_who_and_what_was_before(creative, owner):
    before = creative.content["variants"][0]["headline"]
    edit(creative, owner, headline="A calmer way to plan your week")
    assert creative.content["variants"][0]["headline"] == "A calmer way to plan your week"
    entry = creative.reviews[-1]
    assert (entry.action, entry.user_id) == ("edited", owner.id)
    assert entry.before["variants"][0]["headline"] == before


def test_a_text_that_was_the_same_goes_along(creative, owner):
    variant = creative.content["variants"][0]
    variant["platforms"]["linkedin"]["fields"]["headline"] = [variant["headline"]]
    with transaction():
        creative.content = {**creative.content}
    edit(creative, owner, headline="Plan the week ahead in peace")
    fields = creative.content["variants"][0]["platforms"]["linkedin"]["fields"]
    assert fields["headline"] == ["Plan the week ahead in peace"]


@pytest.mark.parametrize(
    "texts",
    [
        {"headline": "Your payment failed"},
        {"headline": "90% off for you"},
        {"body": "Write to ada@example.com today"},
        {"headline": ""},
        {"headline": "مرحبا"},
        {"google_search__headlines__0": "x" * 31},
        {"google_search__headlines__0": "FREE stuff!!"},
    ],
)
def test_what_the_rules_block_is_not_stored(creative, owner, texts):
    before = creative.content
    with pytest.raises(editing.TextBlocked) as blocked:
        edit(creative, owner, **texts)
    assert str(blocked.value).endswith((".", "”"))
    assert creative.content == before
    assert not creative.reviews


def test_a_customers_name_is_blocked(account, connected, owner, creative):
    with transaction():
        db.session.add(Customer(connection_id=connected.id, stripe_id="cus_1", name="Marisol Quux", created_at=now()))
    with pytest.raises(editing.TextBlocked, match="customer's name"):
        edit(creative, owner, headline="Marisol, good to see you")
    assert editing.check_text(creative, 0, "headline", "Marisol, good to see you")


def test_a_warning_is_stored_and_shown(creative, owner):
    edit(creative, owner, meta_feed__headline__0="A headline that is longer than a feed shows in one line")
    assert any(rule["severity"] == "warn" for rule in creative.content["variants"][0]["rules"])


def test_control_characters_never_reach_an_ad(creative, owner):
    edit(creative, owner, headline="Plan\x00 the\u202e week\n\nahead")
    assert creative.content["variants"][0]["headline"] == "Plan the week ahead"


@pytest.mark.both_databases
def test_of_two_who_edit_at_once_one_is_told(creative, owner):
    edit(creative, owner, headline="The first of two headlines", revision=0)
    with pytest.raises(ManimodError) as late:
        edit(creative, owner, headline="The second of two headlines", revision=0)
    assert late.value.code == "CREATIVE_CHANGED"
    assert creative.content["variants"][0]["headline"] == "The first of two headlines"


def test_nobody_approves_texts_that_were_changed_meanwhile(creative, owner):
    edit(creative, owner, headline="Changed while you looked")
    with pytest.raises(ManimodError) as late, transaction():
        review.decide(creative, CreativeStatus.APPROVED, owner, revision=0)
    assert late.value.code == "CREATIVE_CHANGED"
    assert creative.status == "waiting"


def test_a_decided_creative_is_no_longer_changed(account, owner):
    creative = store(account, status="approved")
    with pytest.raises(ManimodError) as late:
        edit(creative, owner, headline="Another calm headline")
    assert late.value.code == "CREATIVE_GONE"


def test_a_new_version_says_it_differently_and_the_old_one_can_come_back(creative, owner):
    before = creative.content
    with transaction():
        editing.rewrite(creative, owner, 0)
    assert creative.round == 1
    old, new = ({v["headline"] for v in content["variants"]} for content in (before, creative.content))
    assert old != new
    assert creative.content["tier"] == before["tier"]
    with transaction():
        editing.restore(creative, creative.reviews[-1].id, owner, 1)
    assert creative.content == before
    assert [entry.action for entry in creative.reviews] == ["rewritten", "restored"]


def test_another_creatives_history_cannot_be_restored(account, owner, creative):
    other = store(account)
    edit(other, owner, headline="Something quite different")
    with pytest.raises(ManimodError) as refused, transaction():
        editing.restore(creative, other.reviews[-1].id, owner, 0)
    assert refused.value.code == "NOT_FOUND"


@pytest.mark.both_databases
def test_several_are_decided_but_no_strangers_and_none_twice(account, owner):
    mine = [store(account) for _ in range(3)]
    gone = store(account, status="rejected")
    foreign = store(factories.make_account(name="Elsewhere"))
    ids = [creative.id for creative in (*mine, gone, foreign)]
    waiting = review.matching(account, "waiting").where(Creative.id.in_(ids))
    with transaction():
        reviews = review.decide_many(waiting, CreativeStatus.APPROVED, owner)
    assert len(reviews) == 3
    assert [creative.status for creative in (*mine, gone, foreign)] == ["approved"] * 3 + ["rejected", "waiting"]
    with transaction():
        assert len(review.reopen_many(account, [(reviews[0], reviews[-1])], owner)) == 3
    assert [entry.action for entry in mine[0].reviews] == ["approved", "reopened"]


def test_undo_leaves_what_somebody_has_decided_since(account, owner, creative):
    other = factories.make_owner(account)
    with transaction():
        reviews = review.decide_many(review.matching(account, "waiting"), CreativeStatus.REJECTED, owner)
        review.decide(creative, CreativeStatus.WAITING, other)
        review.decide(creative, CreativeStatus.REJECTED, other)
    with transaction():
        assert review.reopen_many(account, [(reviews[0], reviews[0])], owner) == []
    assert creative.status == "rejected"


@pytest.mark.both_databases
def test_each_creative_knows_its_place_and_its_neighbours(account):
    third, second, first = store(account), store(account), store(account)
    store(account, "cancelled")
    assert review.get_page(account, "waiting", after=Place.of(second), event="new_customer") == [first]
    assert review.get_page(account, "waiting", before=Place.of(second)) == [third]
    assert Place.read(str(Place.of(second))) == Place.of(second)
    neighbours = review.get_neighbours(second, "waiting", event="new_customer")
    assert neighbours == (2, 3, first.id, third.id)
    with transaction():
        second.status = "approved"
    assert review.get_neighbours(second, "waiting", event="new_customer")[2:] == (first.id, third.id)


@pytest.mark.parametrize("text", ["", "5", "x-1", "1-x", "9" * 40 + "-1", "-1-5", "²-1"])
def test_a_place_that_nobody_wrote_is_none(text):
    assert Place.read(text) is None


@pytest.mark.both_databases
def test_search_finds_tiers_and_headlines_whatever_their_case(account, owner):
    team, scale = store(account, "renewed", "Team"), store(account, "cancelled", "Scale 100%")
    assert review.get_page(account, "waiting", search="SCALE") == [scale]
    assert review.get_page(account, "waiting", search="100%") == [scale]
    assert review.get_page(account, "waiting", search="0_%") == []
    headline = team.content["variants"][1]["headline"]
    assert team in review.get_page(account, "waiting", search=headline[3:].upper())
    edit(team, owner, headline="Éclair for everybody")
    assert review.get_page(account, "waiting", search="éclair FOR") == [team]
    assert review.counts(account, search="éclair") == {"waiting": 1, "approved": 0, "rejected": 0}


@pytest.mark.both_databases
def test_whatever_changes_in_the_queue_gives_it_another_version(account, owner, creative):
    versions = [review.get_state(account, "waiting").version]

    def look() -> None:
        versions.append(review.get_state(account, "waiting").version)

    edit(creative, owner, headline="Another headline")
    look()
    other = store(account)
    look()
    with transaction():
        review.decide(creative, CreativeStatus.APPROVED, owner)
    look()
    with transaction():
        other.joined_at = now()
    look()
    assert len(set(versions)) == 5


def test_an_approval_can_leave_variants_out_but_not_all(account, owner, creative):
    everything = range(len(creative.content["variants"]))
    with pytest.raises(ManimodError) as refused, transaction():
        review.decide(creative, CreativeStatus.APPROVED, owner, left_out=everything)
    assert refused.value.code == "NO_VARIANT_CHOSEN"
    with transaction():
        review.decide(creative, CreativeStatus.APPROVED, owner, left_out=[1])
    assert creative.ads == [creative.content["variants"][0], *creative.content["variants"][2:]]
    with transaction():
        review.decide(creative, CreativeStatus.WAITING, owner)
    assert creative.ads == creative.content["variants"]


def test_filters_go_together(account):
    wanted = store(account, "cancelled", "Business", "high")
    store(account, "cancelled", "Team", "high")
    store(account, "renewed", "Business", "high")
    filters = {"event": "cancelled", "tier": "Business", "segment": "high", "is_test": True}
    assert review.get_page(account, "waiting", **filters) == [wanted]
    assert review.counts(account, **filters)["waiting"] == 1
    assert review.tiers(account, is_test=True) == ["Business", "Team"]


def test_a_picture_has_a_new_version_when_texts_or_brand_change(account, owner, creative):
    first = review.picture_version(creative, briefs.get_brand_kit(account))
    edit(creative, owner, headline="Another headline for the picture")
    second = review.picture_version(creative, briefs.get_brand_kit(account))
    kit = briefs.get_brand_kit(account)
    kit.version += 1
    assert len({first, second, review.picture_version(creative, kit)}) == 3


@pytest.mark.both_databases
def test_every_status_with_a_tab_is_counted(account):
    for status in ("waiting", "waiting", "approved", "expired"):
        store(account, status=status)
    store(factories.make_account(name="Elsewhere"))
    assert review.counts(account) == {"waiting": 2, "approved": 1, "rejected": 0}


def test_what_runs_no_longer_leaves_the_queue_and_the_decided_stay(account):
    past, approved, running = store(account), store(account, status="approved"), store(account)
    with transaction():
        past.run_until = approved.run_until = now() - timedelta(days=1)
    with transaction():
        review.expire(account.id)
    assert [creative.status for creative in (past, approved, running)] == ["expired", "approved", "waiting"]

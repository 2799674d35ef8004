"""A tier's picture is uploaded by the owner or fetched from Stripe's product; the ads about the tier show it."""

import base64
import html
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import event, inspect, select

from manimod.creatives import briefs, export
from manimod.creatives.engine.copy import copywriter
from manimod.customers import catalogue, images
from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Connection, Creative, Tier
from manimod.models.accounts import now
from tests import factories
from tests.customers.holdings import add_price
from tests.customers.test_fetched_pictures import Server, allow, png, response, tls

__all__ = ["tls"]

PAGE = "/settings/integrations/stripe"
CANVASES = ("1080x1080", "1200x628")
READS = ["rak_customer_read", "rak_subscription_read", "rak_product_read", "rak_plan_read"]
FEATURES = ["Timeline view", "Approvals", "Unlimited boards", "Guest access"]


@pytest.fixture
def connection(account) -> Connection:
    return factories.make_connection(account, livemode=True)


@pytest.fixture
def team(connection) -> Tier:
    """The only tier of the account; nobody has said what it does."""
    with transaction():
        tier = Tier(connection_id=connection.id, stripe_product_id="prod_team", product_name="Team")
        db.session.add(tier)
        add_price(connection, "Team month", 4900, tier="team", interval="month")
        db.session.flush()
        catalogue.place_tiers(connection.id)
    return tier


def write_set(account, status: str = "waiting", **columns: object) -> Creative:
    """An ad set for customers who have renewed Team, as mani writes it now."""
    with transaction():
        brief = briefs.get_brief(account, "renewed", segment="core", **briefs.get_tiers(account, "prod_team"))
        content = copywriter.write(brief)
        facts = {"account_id": account.id, "event": "renewed", "tier": "Team", "segment": "core", "source": "webhook"}
        times = dict.fromkeys(("run_from", "occurred_at", "received_at", "detected_at"), now())
        facts |= times | {"run_until": now() + timedelta(days=14), "stripe_product_id": "prod_team", "status": status}
        creative = Creative(**facts | columns, objective=content.objective, content=content.to_json())
        db.session.add(creative)
    return creative


def upload(client, tier: Tier, data: bytes | None = None, **form: object):
    file = {"picture": (io.BytesIO(png() if data is None else data), "screenshot.png")}
    return client.htmx("post", f"{PAGE}/tiers/{tier.id}/picture", data=form or file)


def stored(tier: Tier) -> bytes | None:
    db.session.rollback()
    return db.session.scalar(select(Tier.picture).where(Tier.id == tier.id))


def pictures(client, creative: Creative) -> str:
    """Every picture of the set's ads, drawn."""
    drawn = ""
    for number in range(len(creative.content["variants"])):
        for canvas in CANVASES:
            drawn += client.get(f"/creatives/{creative.id}/{canvas}.svg?variant={number}").text
    return drawn


def shows(client, creative: Creative, picture: bytes) -> bool:
    return base64.b64encode(picture).decode() in pictures(client, creative)


# --- uploaded ---------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_an_uploaded_picture_is_shown_on_the_page_and_in_ads(as_owner, account, team):
    creative = write_set(account)
    assert "data:image" not in pictures(as_owner, creative)
    answer = upload(as_owner, team)
    assert answer.status_code == 200
    assert "Saved: ads about Team may show this picture." in answer.text
    address = re.search(rf'src="({PAGE}/tiers/{team.id}/picture[^"]*)"', answer.text)[1]
    shown = as_owner.get(address)
    assert (shown.mimetype, shown.data) == ("image/jpeg", stored(team))
    assert shows(as_owner, creative, stored(team))


def test_ads_that_are_written_with_a_picture_are_composed_for_it(as_owner, account, team):
    with transaction():
        team.features = FEATURES
    upload(as_owner, team)
    creative = write_set(account)
    assert any(variant["layout"].startswith("product ") for variant in creative.content["variants"])
    assert shows(as_owner, creative, stored(team))


def test_a_new_version_is_composed_for_it_too(as_owner, account, team):
    creative = write_set(account)
    upload(as_owner, team)
    assert as_owner.post(f"/creatives/{creative.id}/rewrite").status_code == 303
    db.session.rollback()
    assert all(variant["layout"].startswith("product ") for variant in creative.content["variants"])


def test_the_draft_in_the_editor_shows_it(as_owner, account, team):
    creative = write_set(account)
    upload(as_owner, team)
    draft = as_owner.get(f"/creatives/{creative.id}/variants/0/edit")
    assert draft.status_code == 200
    drawn = as_owner.get(f"/creatives/{creative.id}/variants/0/draft.svg?headline=More+room+for+your+work").text
    assert base64.b64encode(stored(team)).decode() in drawn


def test_an_export_has_it(as_owner, account, team):
    write_set(account, status="approved")
    upload(as_owner, team)
    approved = db.session.scalars(export.ExportSelection().query(account)).all()
    exportable, _ = export.judge(account, approved)
    assert [one.item.brand.product_picture for one in exportable] == [stored(team)]


def test_browsers_get_a_new_address_of_the_ads_picture_with_each_upload(as_owner, account, team):
    creative, addresses = write_set(account), set()
    for data in (None, png(fill="#1040c0"), png(fill="#10c040")):
        if data:
            upload(as_owner, team, data)
        page = as_owner.get(f"/creatives/{creative.id}?view=feed").text
        addresses.add(re.search(rf"/creatives/{creative.id}/[^\"]*?v=(\w+)", page)[1])
    assert len(addresses) == 3


def test_the_picture_of_a_product_serves_another_interval_of_the_same_tier(as_owner, account, connection, team):
    with transaction():
        yearly = Tier(connection_id=connection.id, stripe_product_id="prod_yearly", product_name="Team (annual)")
        db.session.add(yearly)
        add_price(connection, "Team year", 49000, tier="yearly", interval="year")
        db.session.flush()
        catalogue.place_tiers(connection.id)
    upload(as_owner, team)
    assert yearly.name == "Team"
    creative = write_set(account, stripe_product_id="prod_yearly")
    assert shows(as_owner, creative, stored(team))


def test_ads_without_a_tier_show_no_product(as_owner, account, team):
    upload(as_owner, team)
    creative = write_set(account, tier=None, generic_reason="unnamed_tier")
    assert "data:image" not in pictures(as_owner, creative)


def test_a_plain_form_is_sent_back_to_the_card(as_owner, team):
    answer = as_owner.post(f"{PAGE}/tiers/{team.id}/picture", data={"picture": (io.BytesIO(png()), "a.png")})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#tiers")
    assert stored(team)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "No file was chosen."),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG files can hold programs"),
        (b"GIF89a", "isn&#39;t a PNG, JPEG or WebP"),
        (png()[:60], "damaged or incomplete"),
        (png((4097, 10)), "4097 × 10 pixels"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2 * 1024**2), "larger than 2 MB"),
    ],
)
def test_what_is_no_picture_is_explained_next_to_the_field(as_owner, team, data, words):
    for post in (as_owner.post, lambda address, **args: as_owner.htmx("post", address, **args)):
        answer = post(f"{PAGE}/tiers/{team.id}/picture", data={"picture": (io.BytesIO(data), "a.png")})
        assert answer.status_code == 422
        assert words in answer.text.split(f'id="tier-{team.id}-picture-error"')[1]
    assert stored(team) is None


def test_it_is_replaced_and_removed(as_owner, account, team):
    creative = write_set(account)
    upload(as_owner, team)
    first = stored(team)
    upload(as_owner, team, png(fill="#1040c0"))
    second = stored(team)
    assert first != second
    assert shows(as_owner, creative, second)
    assert not shows(as_owner, creative, first)
    assert "Picture removed." in upload(as_owner, team, remove="1").text
    assert stored(team) is None
    assert "data:image" not in pictures(as_owner, creative)
    assert as_owner.get(f"{PAGE}/tiers/{team.id}/picture").status_code == 404


# --- fetched from Stripe's product ------------------------------------------------------------------------------------


@pytest.fixture
def serve(tls, connection, team):
    """Stripe's product has a picture, which a local server answers with; then mani fetches what is due."""

    def run(*answers: bytes) -> Server:
        server = Server(tls[0], *answers)
        with transaction():
            team.images = [server.url]
        images.fetch_pictures(connection.id, allow(server), tls[1])
        return server

    return run


@pytest.mark.both_databases
def test_the_products_first_picture_is_fetched_and_shown_in_ads(as_owner, account, team, serve):
    creative = write_set(account)
    server = serve(response(png()))
    assert shows(as_owner, creative, stored(team))
    page = as_owner.get(PAGE).text
    assert "From the product in Stripe. An uploaded picture replaces it." in page
    assert server.requests[0].startswith(b"GET /picture.png HTTP/1.1\r\n")
    assert b"cookie" not in server.requests[0].lower()


def test_it_is_fetched_once_as_long_as_the_address_is_the_same(connection, team, serve):
    serve(response(png()))
    assert images.find_due(connection.id) == []
    with transaction():
        team.images = ["https://files.example/other.png"]
    assert images.find_due(connection.id) == [(team.id, "https://files.example/other.png")]


def test_what_could_not_be_fetched_waits_a_day_and_keeps_the_picture_before(connection, team, serve, valkey):
    serve(response(png()))
    before = stored(team)
    serve(response(b"", "404 Not Found"))
    assert stored(team) == before
    assert images.find_due(connection.id) == []
    key = next(valkey.scan_iter("mani:picture:*"))
    assert 86_000 < valkey.ttl(key) <= 86_400
    valkey.delete(key)
    assert images.find_due(connection.id)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (response(b"", "404 Not Found"), "could not be fetched from its address. Check that it opens in a browser"),
        (response(b"<html>Sign in</html>"), "isn't a PNG, JPEG or WebP picture"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", "larger than 8 MB"),
    ],
)
def test_the_page_says_why_a_picture_is_not_shown_until_there_is_one(as_owner, team, serve, valkey, answer, words):
    serve(answer)
    page = html.unescape(as_owner.get(PAGE).text)
    assert "Ads don't show the picture that Stripe has of it." in page
    assert words in page
    valkey.flushall()
    serve(response(png()))
    assert "Ads don't show the picture" not in html.unescape(as_owner.get(PAGE).text)


def test_it_goes_when_the_product_has_none_any_more(connection, team, serve):
    serve(response(png()))
    with transaction():
        team.images = []
    images.fetch_pictures(connection.id)
    assert stored(team) is None
    assert team.picture_at is None


def test_an_upload_goes_before_it_and_stays(as_owner, connection, team, serve):
    serve(response(png()))
    upload(as_owner, team, png(fill="#1040c0"))
    uploaded = stored(team)
    server = serve(response(png()))
    assert stored(team) == uploaded
    assert server.requests == []


def test_without_the_upload_it_is_stripes_turn_again(as_owner, connection, team, serve):
    upload(as_owner, team)
    serve()
    upload(as_owner, team, remove="1")
    assert [tier for tier, _ in images.find_due(connection.id)] == [team.id]


def test_one_that_the_owner_took_away_is_not_fetched_again(as_owner, connection, team, serve):
    serve(response(png()))
    upload(as_owner, team, remove="1")
    assert stored(team) is None
    assert images.find_due(connection.id) == []


def test_only_tiers_that_are_sold_have_theirs_fetched_and_only_ten(connection):
    with transaction():
        for number in range(15):
            columns = {"stripe_product_id": f"prod_{number}", "images": ["https://files.example/a.png"]}
            db.session.add(Tier(connection_id=connection.id, is_sold=number > 0, **columns))
    assert len(images.find_due(connection.id)) == images.MAX_TIERS_WITH_PICTURE


def test_fetch_pictures_no_fetches_nothing(app, connection, team, serve, monkeypatch):
    monkeypatch.setattr(app.extensions["settings"], "fetches_pictures", False)
    assert serve(response(png())).requests == []
    assert stored(team) is None


def test_a_sync_brings_the_address_and_is_done_where_nothing_can_be_fetched(sandbox, account, drain):
    """The address is of this machine, so mani refuses to connect to it."""
    stripe_account = sandbox.create_account("Brightside Studio", permissions=READS)
    connected = factories.connect(account, stripe_account)
    stripe = sandbox.client(stripe_account["keys"]["test"]["secret"])
    sandbox.seed_customers(stripe_account["id"], 3)
    for product in stripe.v1.products.list().data:
        stripe.v1.products.update(product.id, {"images": ["https://127.0.0.1/a.png"]})
    with transaction():
        sync.request_sync(connected)
    drain()
    assert sync.get_latest(connected).state == "done"
    sold = list(db.session.scalars(select(Tier).filter_by(is_sold=True)))
    assert sold
    assert all(tier.images and tier.picture_at is None for tier in sold)
    assert images.find_due(connected.id) == []  # for a day


# --- lists of tiers ---------------------------------------------------------------------------------------------------


def test_lists_of_tiers_do_not_load_pictures(as_owner, account, team):
    number = write_set(account).id
    upload(as_owner, team)
    db.session.remove()
    asked = []
    listener = lambda *args: asked.append(args[2])  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listener)
    for address in (PAGE, "/creatives", f"/creatives/{number}", "/audience", "/"):
        assert as_owner.get(address).status_code == 200
    event.remove(db.engine, "before_cursor_execute", listener)
    assert [query for query in asked if re.search(r"\btier\.picture\b", query)] == []
    assert "picture" in inspect(db.session.scalars(select(Tier)).first()).unloaded

"""Text that others chose (names in Stripe, brand texts, Stripe's error messages) is text everywhere: never markup."""

import io
import re
import zipfile
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from manimod.creatives import briefs
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import BrandKit, Creative, Customer, Moment, Tier
from manimod.models.accounts import now
from tests.security.test_routes import (
    FILES,
    is_unsafe,
    people,  # noqa: F401
    routes,
)
from tests.security.test_routes import addresses as _addresses

__all__ = ["people"]

MARK = "xssmark"
EVIL = f"\"'><script src=//{MARK}></script><img src=x onerror={MARK}>"
FORMULA = f"=cmd|'/C {MARK}'!A0"


class Reader(HTMLParser):
    """What a browser would make of a page: no element, attribute or style may be the attacker's."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        if any(name.startswith("on") for name in given) or "style" in given:
            self.bad.append(f"{tag} {given}")
        if tag == "script" and MARK in str(given):
            self.bad.append(f"{tag} {given}")
        for name in ("href", "src", "action"):
            if (given.get(name) or "").lower().startswith(("javascript:", "data:text", "//")):
                self.bad.append(f"{tag} {given}")


addresses = _addresses


@pytest.fixture
def poisoned(account, addresses):
    """Every text that comes from outside is an attack."""
    connection = db.session.scalar(select(Tier)).connection_id
    with transaction():
        account.name = EVIL[:120]
        for tier in db.session.scalars(select(Tier)):
            tier.product_name = EVIL
        for customer in db.session.scalars(select(Customer)):
            customer.name = EVIL
        db.session.add(Customer(connection_id=connection, stripe_id="cus_evil", name=EVIL, created_at=now()))
        for moment in db.session.scalars(select(Moment)):
            moment.stripe_customer_id = "cus_evil"
        kit = db.session.get(BrandKit, account.id) or BrandKit(account_id=account.id, name="x")
        kit.name, kit.disclaimer = EVIL[:120], EVIL
        kit.landing_page = "https://mani.example/?a=" + MARK
        kit.banned_words = kit.proof = [EVIL]
        kit.releases = [{"text": EVIL, "released_on": None, "tier": None}]
        kit.offers = [{"text": EVIL, "kind": "discount", "code": FORMULA, "ends_on": None}]
        db.session.add(kit)
        for creative in db.session.scalars(select(Creative)):
            creative.content, creative.tier = poison(creative.content), EVIL
    return account


def poison(value: object, key: str = "") -> object:
    """The stored set with every line replaced; keys, kinds and colours stay what they are."""
    if isinstance(value, dict):
        return {name: poison(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [poison(member, key) for member in value]
    is_line = isinstance(value, str) and " " in value
    return EVIL if is_line else value


def test_no_page_takes_it_for_markup(app, people, poisoned, addresses):
    found, shown = {}, 0
    for method, rule in routes(app):
        if is_unsafe(method) or rule.endpoint in FILES:
            continue
        answer = people["owner"]().get(addresses(rule))
        assert answer.status_code < 500, rule
        if answer.mimetype == "text/html":
            reader = Reader()
            reader.feed(answer.text)
            shown += MARK in answer.text
            if reader.bad:
                found[str(rule)] = reader.bad
        elif answer.mimetype == "image/svg+xml":
            assert_harmless(answer.data)
    assert found == {}
    assert shown >= 5  # it is there, as text


def assert_harmless(svg: bytes) -> None:
    for element in ElementTree.fromstring(svg).iter():
        assert element.tag.rpartition("}")[2] not in ("script", "foreignObject", "iframe", "a", "style")
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            assert "href" not in name or value.startswith(("#", "data:image/png;base64,"))


def test_the_brands_preview_is_harmless_while_it_is_typed(as_owner, connection):
    typed = {"name": EVIL, "disclaimer": EVIL, "primary_colour": f'"><script>{MARK}', "landing_page": "javascript:x"}
    reader = Reader()
    reader.feed(as_owner.post("/settings/brand", data=typed).text)
    reader.feed(as_owner.htmx("post", "/settings/brand/preview", data=typed).text)
    assert reader.bad == []
    assert_harmless(as_owner.get("/settings/brand/preview/renewed.svg", query_string=typed).data)


def test_an_export_opens_no_folder_and_no_formula(as_owner, account, add_creative, connection, drain):
    with transaction():
        account.name = "=1+1"
        kit = briefs.get_brand_kit(account)
        kit.landing_page = "https://mani.example/"
        db.session.add(kit)
    add_creative(account, tier="../../" + EVIL, status="approved")
    as_owner.post("/creatives/export?mode=test&without_pictures=1")
    drain()
    answer = as_owner.get("/creatives/export/1.zip", buffered=True)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        for name in packed.namelist():
            assert re.fullmatch(r"[\w. ()/-]+", name), name
            assert ".." not in name
            assert not name.startswith("/")
            if name.endswith(".csv"):
                text = packed.read(name).decode("utf-8-sig")
                assert not re.search(r'(?:^|[,;\t])"?[=+@]', text, re.M), name


def test_what_stripe_says_in_an_error_is_never_shown(app, as_owner, sandbox, stripe_account):
    key = f"rk_test_{'0' * 20}{MARK}"
    answer = as_owner.post("/settings/integrations/stripe/connect", data={"api_key": key})
    assert answer.status_code == 422
    assert MARK not in answer.text  # Stripe repeats the key in its message

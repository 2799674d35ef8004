"""Every form field and every query parameter of every route, filled with hostile text: never an error of ours."""

import re
from pathlib import Path

import pytest
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from manimod.extensions import db
from tests.factories import PASSWORD
from tests.security import hostile
from tests.security.test_routes import (
    FILES,
    addresses,  # noqa: F401
    is_unsafe,
    people,  # noqa: F401
    routes,
)

__all__ = ["addresses", "people"]

WEB = Path(__file__).parents[2] / "manimod" / "web"
SOURCES = "".join(path.read_text() for path in WEB.glob("*.py"))
# Names in quotes: what views ask the form and the query for, and much that they don't.
NAMES = sorted(set(re.findall(r'"([a-z][a-z_]{1,30})"', SOURCES)))
LEFT_OUT = {
    "settings.disconnect",
    "security.logout",
    "webhooks.stripe",
    *FILES,
}


def is_fuzzed(rule) -> bool:
    return rule.endpoint not in LEFT_OUT and not rule.endpoint.endswith("static")


def fields_of_page(page: str) -> set[str]:
    return set(re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', page)) | set(
        re.findall(r"[?&;]([a-z_]+)=", page)
    )


def encodable(text: str) -> str:
    """A form cannot carry half a surrogate pair; its bytes can, see below."""
    return text.encode("utf-8", "replace").decode()


@pytest.fixture(scope="module")
def names_on_pages() -> set[str]:
    """What forms and links ask for, once the pages have been read."""
    return set()


@pytest.fixture
def surface(app, people, addresses, names_on_pages):
    """The addresses to get and to post to, each with its visitor, and every name that they may ask for."""
    visitors = {who: people[who]() for who in ("stranger", "support", "owner")}
    chosen = [(method, addresses(rule), visitor_of(rule)) for method, rule in routes(app) if is_fuzzed(rule)]
    gets, posts = (
        [(way, visitors[who]) for m, way, who in chosen if is_unsafe(m) == unsafe] for unsafe in (False, True)
    )
    if not names_on_pages:
        pages = [(way, visitor) for way, visitor in gets if not way.endswith((".png", ".zip"))]
        names_on_pages.update(*(fields_of_page(visitor.get(way).text) for way, visitor in pages))
        names_on_pages.discard("csrf_token")
    return gets, posts, sorted(names_on_pages | set(NAMES)), sorted(names_on_pages)


def visitor_of(rule) -> str:
    named = {"support": "support", "security": "stranger"}
    return named.get(rule.endpoint.partition(".")[0], "owner")


def pairs(names: list[str], known: list[str]) -> st.SearchStrategy:
    name = st.sampled_from(known) | st.sampled_from(known) | st.sampled_from(names)
    return st.lists(st.tuples(name, hostile.texts.map(encodable)), min_size=1, max_size=6)


def check(answer) -> int:
    assert answer.status_code < 500, answer.status_code
    assert b"Traceback" not in answer.data
    return answer.status_code


@pytest.mark.both_databases
def test_every_query_parameter(surface):
    gets, _, names, known = surface

    @hostile.fuzz("query", share=0.05, short=20, where=st.sampled_from(gets), asked=pairs(names, known))
    def ask(where: tuple, asked: list) -> int:
        way, visitor = where
        return check(visitor.get(way, query_string=MultiDict(asked)))

    ask()


@pytest.mark.both_databases  # what SQLite keeps, such as a NUL, PostgreSQL refuses
def test_every_form_field(surface):
    _, posts, names, known = surface
    headers = st.sampled_from(({}, {"HX-Request": "true"}))

    @hostile.fuzz(
        "form", share=0.05, short=20, where=st.sampled_from(posts), filled=pairs(names, known), headers=headers
    )
    def submit(where: tuple, filled: list, headers: dict) -> int:
        way, visitor = where
        db.session.rollback()
        return check(visitor.post(way, data=MultiDict(filled), headers=headers))

    submit()
    for way, visitor in posts:
        check(visitor.post(way, data=dict.fromkeys(known, "a\0b")))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the stricter one
def test_the_sign_in(client, support, valkey):
    half = client.application.test_client()
    signed_in = half.post("/sign-in", data={"email": support.email, "password": PASSWORD})
    assert signed_in.location.startswith("/sign-in/code")
    for text in map(encodable, hostile.NASTY):
        valkey.flushall()  # no limit comes before the check
        typed = {"email": text, "password": text, "remember": text, "next": text}
        assert check(client.post("/sign-in", data=typed)) in (303, 422)
        check(client.get("/sign-in", query_string=typed))
        assert check(half.post("/sign-in/code", data={"code": text}, query_string=typed)) in (303, 422)


@pytest.mark.parametrize(
    "body",
    [b"name=\xff\xfe&name=%ff%00", b"name=" + b"%F0" * 500, b"&&==&name", b"a=1&" * 5000, b"\0" * 100],
    ids=["bytes", "half characters", "no pairs", "many fields", "zeros"],
)
def test_what_is_hardly_a_form(as_owner, connection, body):
    for way in ("/settings/account", "/settings/brand", "/settings/integrations/stripe/connect", "/sign-in"):
        check(as_owner.post(way, data=body, content_type="application/x-www-form-urlencoded"))
        check(as_owner.post(way, data=body, content_type="multipart/form-data; boundary=x"))
        check(as_owner.post(way, data=body, content_type="application/json"))


@pytest.mark.parametrize(
    "way", ["/%00", "/creatives/%F0%9F", "/creatives/99999999999999999999999", "/..%2f..%2fetc/passwd"]
)
def test_odd_addresses(as_owner, way):
    assert check(as_owner.get(way)) == 404


@pytest.mark.parametrize("name", ["Cookie", "HX-Current-URL", "Accept-Encoding", "Range", "Referer", "If-None-Match"])
def test_odd_headers(app, as_owner, name):
    for value in ("\xff" * 50, "x" * 4000, "bytes=5-1,9-", "http://[::1", "gzip;q=nan", "//evil", "https://a\\b@c/"):
        for way in ("/", "/settings/account", "/settings/brand/preview/renewed.svg"):
            check(as_owner.get(way, headers={name: value, "HX-Request": "true"}))
            check(app.test_client().get(way, headers={name: value, "HX-Request": "true"}))

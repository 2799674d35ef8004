"""Security headers, caching and compression."""

import gzip
import re
from functools import cache

import pytest

from manimod import create_app
from manimod.web import assets
from tests import factories
from tests.browser import gallery
from tests.browser.filling import fill


@pytest.mark.parametrize("address", ["/sign-in", "/", "/nowhere", "/healthz"])
def test_every_answer_is_locked_down(client, address):
    headers = client.get(address).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_https_is_insisted_on_where_it_is_used(database_url):
    settings = factories.make_settings(database_url, "redis://127.0.0.1:1/0", PUBLIC_URL="https://mani.example")
    answer = create_app(settings).test_client().get("/sign-in")
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("address", ["/", "/help", "/settings/password", "/nowhere"])
def test_pages_are_kept_by_nobody(as_owner, address):
    assert as_owner.get(address).headers["Cache-Control"] == "private, no-store"


def test_the_page_with_the_authenticators_secret_is_kept_by_nobody(client, app):
    newcomer = factories.make_support(authenticator=False)
    client.post("/sign-in", data={"email": newcomer.email, "password": factories.PASSWORD})
    page = client.post("/sign-in/authenticator", data={"setup": "authenticator"})
    assert page.headers["Cache-Control"] == "private, no-store"


def test_signing_out_empties_the_browsers_cache(as_owner):
    assert as_owner.post("/sign-out").headers["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in as_owner.get("/sign-in").headers


def test_pages_travel_compressed(as_owner):
    plain, packed = as_owner.get("/help"), as_owner.get("/help", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.data) < len(plain.data) / 2
    assert "Questions" in gzip.decompress(packed.data).decode()


def test_styles_scripts_and_the_font_are_kept_for_good_under_their_hash(client):
    addresses = re.findall(r'(?:href|src)="(/assets/[^"]+)"', client.get("/sign-in").text)
    styles = client.get(next(address for address in addresses if address.endswith("/mani.css"))).text
    addresses += ["/assets" + address for address in re.findall(r'url\("\.\.(/\w+/inter\.ttf)"\)', styles)]
    assert {address.rpartition("/")[2] for address in addresses} >= {"bootstrap.css", "htmx.js", "mani.js", "inter.ttf"}
    for address in addresses:
        answer = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert client.get(re.sub(r"/assets/\w+/", "/assets/old/", address)).headers["Cache-Control"] == "no-cache"
    assert client.get("/assets/x/secrets.txt").status_code == 404


def test_every_page_weighs_at_most_150_kb_on_a_cold_cache(as_owner, account):
    """However much there is to show. Pictures and the font come on top; the page doesn't wait for either."""
    fill(account)
    headers = {"Accept-Encoding": "gzip"}
    weigh = cache(lambda address: len(as_owner.get(address, headers=headers).data))
    weights = {}
    for name, (user, address) in gallery.PAGES.items():
        if user == "full":
            page = as_owner.get(gallery.address_of(address)).text
            linked = set(re.findall(r'(?:href|src)="(/assets/[^"#]+)', page))
            weights[name] = len(gzip.compress(page.encode())) + sum(map(weigh, linked))
    assert len(weights) > 15
    assert not {name: weight for name, weight in weights.items() if weight > 150_000}


def test_the_font_weighs_at_most_450_kb_once_a_year(app, client):
    with app.test_request_context():
        address = assets.asset_url("inter.ttf")
    answer = client.get(address, headers={"Accept-Encoding": "br"})
    assert answer.headers["Content-Encoding"] == "br"
    assert len(answer.data) < 450_000

"""Links lead to PUBLIC_URL or stay on mani, whatever Host, Referer, `next` or a proxy's headers claim."""

import re
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from flask import request

from manimod import create_app
from manimod.stripe import connections
from tests import factories
from tests.web.test_sign_in import sign_in

EVIL = "evil.example"
PAGES = ("/", "/creatives", "/settings/integrations/stripe", "/settings/account", "/sign-in", "/nowhere", "/help")
ELSEWHERE = (
    "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "https:evil.example", "javascript:alert(1)", "data:text/html,x", "/%09/evil.example", "/\t/evil.example",
    "http://[::1", "http:\\\\[::1", "http://a\u2100b", "http://localhost@evil.example/", "//localhost:80@evil.example",
)  # fmt: skip


def lands_on(location: str) -> str:
    """Where a browser goes, which takes a backslash for a slash and drops tabs and line ends."""
    read = re.sub(r"[\t\r\n]", "", location).replace("\\", "/")
    return urlsplit(urljoin("http://localhost/sign-in", read)).netloc


@pytest.mark.parametrize("headers", [{"Host": EVIL}, {"X-Forwarded-Host": EVIL, "Forwarded": f"host={EVIL}"}], ids=str)
def test_a_host_that_somebody_claims_is_on_no_page(as_owner, connection, headers):
    as_owner.set_cookie("mani", as_owner.get_cookie("mani").value, domain=EVIL)
    for page in PAGES:
        answer = as_owner.get(page, headers=headers)
        assert EVIL not in answer.text + str(answer.headers), page


def test_stripe_is_told_the_public_address(app, as_owner, connection):
    as_owner.set_cookie("mani", as_owner.get_cookie("mani").value, domain=EVIL)
    page = as_owner.get("/settings/integrations/stripe", headers={"Host": EVIL}).text
    assert connections.webhook_address(connection).startswith(app.extensions["settings"].public_url + "/webhooks/")
    assert connections.webhook_address(connection) in page


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_signing_in_never_leads_to_another_site(client, owner, elsewhere):
    answer = sign_in(client, owner.email, next=elsewhere)
    assert answer.status_code in (302, 303, 422)
    assert lands_on(answer.location or "/") == "localhost"


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_neither_does_a_page_that_sends_to_the_sign_in_and_back(client, elsewhere):
    for came_from in (elsewhere, f"http://localhost/{elsewhere}"):
        address = client.post("/creatives/1/approve", headers={"Referer": came_from}).location
        assert address.startswith("/sign-in")
        assert lands_on(parse_qs(urlsplit(address).query).get("next", ["/"])[0]) == "localhost"


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nor_an_action_that_leads_back_where_one_came_from(as_owner, connection, elsewhere):
    for came_from in (elsewhere, f"http://localhost/{elsewhere}"):
        answer = as_owner.post("/settings/integrations/stripe/sync", headers={"Referer": came_from})
        assert answer.status_code == 303
        assert answer.location.startswith("/settings/")


@pytest.mark.parametrize(("hops", "seen"), [("0", "127.0.0.1"), ("1", "192.0.2.9")])
def test_a_proxys_headers_count_only_where_one_is_configured(hops, seen):
    app = create_app(factories.make_settings("sqlite:///:memory:", "redis://127.0.0.1:1/0", TRUSTED_PROXIES=hops))
    app.add_url_rule("/seen", view_func=lambda: f"{request.remote_addr} {request.host} {request.scheme}")
    headers = {
        "X-Forwarded-For": "198.51.100.1, 192.0.2.9",
        "X-Forwarded-Host": "mani.example",
        "X-Forwarded-Proto": "https",
    }
    told = app.test_client().get("/seen", headers=headers).text
    assert told.split()[0] == seen
    assert ("mani.example https" in told) == (hops == "1")

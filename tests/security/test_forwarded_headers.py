"""What a request says of its proxy counts only where TRUSTED_PROXIES says that there is one."""

from collections.abc import Iterator

import pytest
import requests
from flask import Flask, Response, request

from manimod import create_app
from tests import factories
from tests.serving import serve

CLAIMS = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "SCRIPT_NAME": "/evil",
    "SCRIPT-NAME": "/evil",
    "PATH_INFO": "/evil",
}


def make(database_url: str, **environment: str) -> Flask:
    app = create_app(factories.make_settings(database_url, "redis://127.0.0.1:1/0", **environment))

    @app.get("/believed")
    def believed() -> Response:
        return Response(f"{request.script_root}{request.path} {request.url_root} {request.remote_addr}")

    return app


@pytest.fixture
def direct(database_url: str) -> Iterator[str]:
    with serve(make(database_url)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def behind_a_proxy(database_url: str) -> Iterator[str]:
    with serve(make(database_url, TRUSTED_PROXIES="1")) as port:
        yield f"http://127.0.0.1:{port}"


def test_nobody_is_believed_without_a_trusted_proxy(direct: str) -> None:
    believed = requests.get(f"{direct}/believed", headers=CLAIMS, timeout=10).text
    assert believed == f"/believed {direct}/ 127.0.0.1"


def test_no_header_leads_the_sign_in_elsewhere(direct: str) -> None:
    response = requests.get(f"{direct}/settings", headers=CLAIMS, allow_redirects=False, timeout=10)
    assert response.headers["Location"].startswith("/sign-in")


def test_a_trusted_proxy_says_address_host_and_scheme_and_nothing_else(behind_a_proxy: str) -> None:
    believed = requests.get(f"{behind_a_proxy}/believed", headers=CLAIMS, timeout=10).text
    assert believed == "/believed https://evil.example/ 192.0.2.7"

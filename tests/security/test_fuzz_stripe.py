"""Whatever answers in Stripe's place: a sync ends, says how, and erases nobody on the strength of nonsense."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import strategies as st
from sqlalchemy import func, select

from manimod import create_app
from manimod.errors import FAILURES
from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Connection, Customer, SyncRun
from tests import factories
from tests.browser.filling import PERMISSIONS
from tests.security import hostile

EMPTY = b'{"object":"list","data":[],"has_more":false,"url":"/v1/x"}'


class Impostor(ThreadingHTTPServer):
    """Answers each list with what it was told, and what is asked after that with an empty list."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.first: dict[str, bytes] = {}

    def take(self, path: str) -> bytes:
        address, _, query = path.partition("?")
        return EMPTY if "starting_after" in query else self.first.get(address, EMPTY)


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.server.take(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    with Impostor() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def synced(database_url, valkey_url, impostor, monkeypatch) -> Iterator[Connection]:
    """A connection whose Stripe is the impostor, once it has been synced."""
    monkeypatch.setattr("manimod.stripe.paginator.MAX_ATTEMPTS", 1)
    settings = factories.make_settings(
        database_url, valkey_url, STRIPE_API_BASE=f"http://127.0.0.1:{impostor.server_port}"
    )
    app = create_app(settings)
    with app.app_context():
        yield factories.make_connection(permissions=PERMISSIONS)
        db.session.remove()
        db.engine.dispose()


def run(connection: Connection) -> SyncRun:
    with transaction():
        sync.request_sync(connection)
    while sync.run(connection.id):
        pass
    db.session.rollback()
    return sync.get_latest(connection)


def customers(connection: Connection) -> int:
    return db.session.scalar(select(func.count()).where(Customer.connection_id == connection.id))


def test_a_sync_of_anything_ends(synced, impostor):
    address = st.sampled_from(("/v1/customers", "/v1/subscriptions", "/v1/prices"))

    @hostile.fuzz("Stripe's lists", share=0.02, short=25, address=address, answer=hostile.answers())
    def read(address: str, answer: bytes) -> str:
        impostor.first = {address: answer}
        done = run(synced)
        assert done.state in ("done", "failed")
        assert done.error_code is None or done.error_code in FAILURES
        assert done.error_code != "INTERNAL"
        return done.error_code or "done"

    read()


def test_nonsense_in_place_of_a_list_erases_nobody(synced, impostor):
    impostor.first = {"/v1/customers": b'{"data":[{"id":"cus_1","created":1}],"has_more":false}'}
    assert run(synced).state == "done"
    texts = ("{}", "[]", '{"data":null}', '{"data":{}}', '{"data":[],"has_more":true}', "<html>")
    for nonsense in (*map(str.encode, texts), "{}".encode("utf-16")):
        impostor.first = {"/v1/customers": nonsense}
        assert run(synced).error_code in ("STRIPE_FAILED", "STRIPE_LIST_ENDLESS")
        assert customers(synced) == 1


def test_a_list_without_an_end_is_left(synced, impostor):
    impostor.take = lambda _path: b'{"data":[{"id":"cus_1","created":1}],"has_more":true}'
    assert run(synced).error_code == "STRIPE_LIST_ENDLESS"

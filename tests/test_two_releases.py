"""The release before and this one, side by side on this release's tables: nothing is lost and nothing is doubled.

The release before is the code as it was before the newest migration, from git's history.
"""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import func, select, text

import worker
from manimod import create_app
from manimod.extensions import WRITES, db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Connection, Creative, Customer, Moment, StripeEvent, SyncRun
from tests import factories
from tests.moments.conftest import lists  # noqa: F401
from tests.stripe_events import customer, event, item, price, subscription

ROOT = Path(__file__).resolve().parent.parent
FOLDER = str(ROOT / "migrations")
PAGES = ("/", "/creatives", "/creatives/1", "/creatives/export", "/audience", "/troubleshooting/deliveries")
# Runs in the tree of the release before: a command with its input in each line, the answer in the next line.
PROGRAM = """
import json, os, sys
from manimod import create_app, tasks
from manimod.models import User
from tests.client import Client
from worker import AppWorker

answers = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    command = json.loads(line)
    os.environ.update(command["environment"])
    app = create_app()
    app.test_client_class = Client
    given, answer = command["given"], []
    if command["do"] == "deliver":
        with app.app_context():
            for request in given:
                answer.append(app.test_client().post(**request).status_code)
    elif command["do"] == "look":
        with app.app_context():
            client = app.test_client().sign_in(User.query.filter_by(email=given["email"]).one())
            for page in given["pages"]:
                answer.append(client.get(page).status_code)
    else:
        with app.app_context():
            tasks.reconcile()
        AppWorker(app, ["mani", "mani-sync"]).work(burst=True, logging_level="WARNING")
    answers.write(json.dumps(answer) + "\\n")
    answers.flush()
"""


def git(*arguments: str, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False, **options)


@pytest.fixture(scope="module")
def release_before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen]:
    """A process with its code."""
    newest = max(Path(FOLDER, "versions").glob("0*.py"))
    added = git("log", "-1", "--diff-filter=A", "--format=%H", "--", str(newest), text=True).stdout.strip()
    code = git("archive", f"{added}^") if added else None
    if code is None or code.returncode:
        pytest.skip("the code of the release before stands in git's history, which is not here")
    tree = tmp_path_factory.mktemp("before")
    subprocess.run(["tar", "-x", "-C", str(tree)], input=code.stdout, check=True)
    assert newest.name not in os.listdir(tree / "migrations" / "versions")
    with (tree / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tree / "log")],
            cwd=tree,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    yield process
    process.terminate()
    process.wait(30)


@pytest.fixture
def before(app: Flask, release_before: subprocess.Popen) -> Callable[..., list[int]]:
    """Let the release before do something in the test's installation; its answers are status codes."""
    settings = app.extensions["settings"]
    environment = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "STRIPE_API_BASE": settings.stripe_api_base,
        "SECRET_KEY": settings.secret_key,
        "ENCRYPTION_KEYS": f"k1:{base64.b64encode(bytes(32)).decode()}",
        "GRACE_PERIOD_SECONDS": "0",
    }

    def do(what: str, given: object = None) -> list[int]:
        db.session.commit()
        command = {"do": what, "given": given, "environment": environment}
        with suppress(BrokenPipeError):
            print(json.dumps(command), file=release_before.stdin, flush=True)
        answer = release_before.stdout.readline()
        assert answer, Path(release_before.args[-1]).read_text()[-2000:]
        return json.loads(answer)

    return do


@pytest.fixture
def connection(account) -> Connection:
    return factories.make_connection(account)


def requests_of(connection: Connection, *sent: dict) -> list[dict]:
    """Deliveries, as arguments of a client's POST that may be written as JSON."""
    requests = []
    for one in sent:
        request = factories.signed(one)
        address = f"/webhooks/stripe/{connection.webhook_token}"
        requests.append(request | {"path": address, "data": request["data"].decode()})
    return requests


def a_life(number: int, **of_price: object) -> list[dict]:
    """Of a customer who comes, subscribes and leaves."""
    ids = {"customer": f"cus_{number}", "items": [item(price(f"prod_{number}", **of_price))]}
    begins = subscription(f"sub_{number}", **ids)
    ends = subscription(f"sub_{number}", "canceled", ended_at=1_780_000_500, **ids)
    return [
        event("customer.created", customer(f"cus_{number}")),
        event("customer.subscription.created", begins),
        event("customer.subscription.deleted", ends, previous={"status": "active"}),
    ]


def moments() -> dict[str, str]:
    db.session.rollback()
    return dict(db.session.execute(select(Moment.key, Moment.state)).all())


def states() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(StripeEvent.state).order_by(StripeEvent.id)))


def test_the_web_server_before_beside_new_workers(before, connection, owner, drain, client):
    """As in an upgrade: it stays up while the workers are already new ones."""
    requests = requests_of(connection, *a_life(1), *a_life(2))
    assert before("deliver", requests) == [200] * 6
    drain()
    assert states() == ["done"] * 6
    found = moments()
    assert set(found) == {"new_customer:cus_1", "cancelled:sub_1", "new_customer:cus_2", "cancelled:sub_2"}
    assert set(before("look", {"email": owner.email, "pages": PAGES})) == {200}
    assert {client.post(**request).status_code for request in requests} == {200}  # the new one is up: again
    drain()
    assert (moments(), states()) == (found, ["done"] * 6)
    made = db.session.execute(select(func.count(Creative.id), func.sum(Creative.moments_count))).one()
    assert tuple(made) == (2, 4), "moments of one audience share a creative"


@pytest.mark.both_databases
def test_workers_before_beside_a_new_web_server(before, connection, drain, client):
    """Against the order that is documented. They know one connection an account, and work off the events of both."""
    live = factories.make_connection(connection.account, livemode=True)
    requests = requests_of(connection, *a_life(1))
    requests += requests_of(live, *(happened | {"livemode": True} for happened in a_life(2)))
    assert {client.post(**request).status_code for request in requests} == {200}
    before("work")
    assert states() == ["done"] * 6
    found = moments()
    assert set(found) == {"new_customer:cus_1", "cancelled:sub_1", "new_customer:cus_2", "cancelled:sub_2"}
    drain()
    assert {client.post(**request).status_code for request in requests} == {200}
    before("work")
    drain()
    assert (moments(), states()) == (found, ["done"] * 6)
    made = db.session.execute(select(Moment.connection_id, Creative.is_test).join(Creative)).all()
    assert sorted(made) == [(connection.id, True)] * 2 + [(live.id, False)] * 2


def test_a_sync_that_the_workers_before_began_is_finished_by_new_ones(connection, lists):  # noqa: F811
    lists.lists["/v1/customers"] = [customer(f"cus_{number}", created=9) for number in range(250)]
    with transaction():
        run = SyncRun(connection_id=connection.id, cursors={"customers": "cus_99", "subscriptions": ""}, customers=100)
        db.session.add(run)
        db.session.flush()
        for number in range(100):
            seen = {"stripe_id": f"cus_{number}", "created_at": run.started_at}
            db.session.add(Customer(connection_id=connection.id, **seen))
        db.session.flush()
        db.session.execute(text("UPDATE sync_run SET lease_until = started_at"))
        db.session.execute(text(f"UPDATE customer SET seen_in_run = {run.id}"))  # noqa: S608
    while sync.run(connection.id):
        pass
    done = sync.get_latest(connection)
    assert (done.state, done.customers, done.gone) == ("done", 250, 0)


# --- this release on other tables ------------------------------------------------------------------------------------


@pytest.fixture
def app_without_tables(empty_database_url: str) -> Iterator[Flask]:
    app = create_app(factories.make_settings(empty_database_url, redis_url="redis://127.0.0.1:1/0"))
    flask_migrate.Migrate(app, db)
    with app.app_context():
        yield app
        db.engine.dispose()


def test_new_workers_wait_until_the_database_is_upgraded_and_say_so(app_without_tables, capfd):
    flask_migrate.upgrade(FOLDER, revision="0006")
    waiting = threading.Thread(target=worker.wait_for_tables, args=(app_without_tables,))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    flask_migrate.upgrade(FOLDER)
    waiting.join(15)
    assert not waiting.is_alive()
    said = capfd.readouterr().err
    assert '"event":"waits_for_upgrade"' in said
    assert "flask --app wsgi db upgrade" in said


def test_workers_end_with_a_sentence_where_the_database_is_newer(app_without_tables):
    flask_migrate.upgrade(FOLDER)
    with db.engine.connect().execution_options(**{WRITES: True}) as open_connection:
        open_connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        open_connection.commit()
    with pytest.raises(SystemExit, match="^The database is from a newer release of mani"):
        worker.wait_for_tables(app_without_tables)

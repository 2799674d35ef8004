"""`make demo`: mani against the Stripe sandbox, already connected, with events that flow while you look."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from flask import Flask

from manimod import config, create_app
from manimod.accounts import users
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.local.__main__ import ROOT, say, web_answers
from manimod.local.data_directory import CannotRun, DataDirectory
from manimod.models import Account
from manimod.stripe.payloads import EVENT_TYPES
from tests.stripe_sandbox import Sandbox, SandboxControl, demo

CUSTOMERS = 60
ACCOUNT, NAME = "1", "Brightside Studio"  # the one that the first start creates
PAUSE_SECONDS, LATER_PAUSE_SECONDS = 1.0, 20.0


def main() -> int:
    """The sandbox lives in memory, so the data of an earlier demo would speak of customers that are gone."""
    try:
        port = os.environ.get("PORT") or "8000"
        if not port.isdecimal():  # mani checks the rest
            raise CannotRun("PORT must be a whole number.")
        folder = empty(Path(os.environ.get("DEMO_DATA_DIR") or ROOT / "demo-data"))
    except CannotRun as error:
        say(str(error))
        return 2
    with Sandbox() as sandbox:
        environment = os.environ | {"DATA_DIR": str(folder), "STRIPE_API_BASE": sandbox.url, "ACCOUNT_NAME": NAME}
        mani = subprocess.Popen([sys.executable, "-m", "manimod.local"], cwd=ROOT, env=environment)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_signal: mani.send_signal(signal.SIGTERM))
        show = threading.Thread(target=perform, args=(sandbox.control, mani, environment, int(port)), daemon=True)
        show.start()
        return mani.wait()


def empty(path: Path) -> Path:
    """Only a folder that no running demo holds is emptied."""
    if path.exists():
        directory = DataDirectory(path)
        directory.lock()
        shutil.rmtree(path)
        directory.lock_file.close()
    return path


def perform(control: SandboxControl, mani: subprocess.Popen, environment: dict[str, str], port: int) -> None:
    account = demo.seed(control, customers=CUSTOMERS)
    while not (web_answers(port) and mani.poll() is None):
        time.sleep(0.2)
    app = create_app(config.Settings(DataDirectory(Path(environment["DATA_DIR"])).environment() | environment))
    while not has_owner(app):
        time.sleep(0.2)
    with app.app_context(), transaction():
        db.session.get_one(Account, int(ACCOUNT)).ad_accounts = {"countries": ["US", "GB"], "page_id": "102030405060"}
    keys = account["keys"]["test"]
    connection = flask(app, "stripe-connect", ACCOUNT, stdin=keys["restricted"])
    endpoint = control.create_endpoint(account["id"], connection["webhook_address"], events=list(EVENT_TYPES))
    flask(app, "stripe-webhook-secret", ACCOUNT, stdin=endpoint["secret"])
    say(f"Connected with {connection['stripe_account_name']} in the Stripe sandbox. Events flow now:")
    demo.play(control, account, pause=PAUSE_SECONDS, tell=tell)
    while True:
        demo.play(control, account, pause=LATER_PAUSE_SECONDS, tell=tell)


def has_owner(app: Flask) -> bool:
    with app.app_context():
        return users.any_users()


def tell(sentence: str) -> None:
    say(f"  Stripe: {sentence}")


def flask(app: Flask, *words: str, stdin: str) -> dict:
    done = app.test_cli_runner().invoke(args=[*words, "--json"], input=stdin)
    if done.exit_code:
        raise RuntimeError(f"{words[0]} failed: {done.output}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())

"""`make run`: embedded Valkey, workers, scheduler and web server on 127.0.0.1, until Ctrl-C or SIGTERM.

supervisord starts the parts, restarts what dies and stops them in the reverse order: see supervisord.conf. This process
prepares DATA_DIR and the database, starts supervisord, says where mani is, and becomes wait_for_stop.py.
"""

import contextlib
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import flask_migrate
from click import ClickException
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from manimod import config, create_app
from manimod.accounts import users
from manimod.config import ConfigError
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.local import valkey_server
from manimod.local.data_directory import CannotRun, DataDirectory
from manimod.local.wait_for_stop import STOP_SIGNALS, say
from manimod.models import Account
from manimod.models.accounts import PLACEHOLDER_NAME

ROOT = Path(__file__).resolve().parent.parent.parent
DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")
SUPERVISORD = Path(__file__).with_name("supervisord.conf")
WAIT_FOR_STOP = Path(__file__).with_name("wait_for_stop.py")
OWNER_EMAIL = "owner@example.com"
WEB_TIMEOUT = 60.0  # seconds until it first answers


def main() -> int:
    """The exit status."""
    try:
        directory = DataDirectory.from_environment()
        directory.lock()
        run(directory)
    except (CannotRun, ConfigError) as error:
        say(str(error))
        return 2
    return 0


def prepare(directory: DataDirectory) -> tuple[Flask, dict[str, str]]:
    """The application with its database, and the environment of the parts. Raises CannotRun or ConfigError."""
    environment = directory.environment()
    shutil.rmtree(directory.valkey / "appendonlydir", ignore_errors=True)  # of releases that kept such a file
    starts_valkey = environment.get("REDIS_URL_FILE") == str(directory.redis_url)
    if starts_valkey:  # with a new port and password, which pass through a file, never through an argument
        password = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        directory.write(directory.valkey_settings, f"port {port}\nrequirepass {password}\n")
        directory.write(directory.redis_url, f"redis://:{password}@127.0.0.1:{port}/0")
    app = create_app(config.Settings(environment))
    port = app.extensions["settings"].port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotRun(f"Port {port} cannot be used: {error.strerror}. Set PORT to another one.") from None
    try:
        with app.app_context():
            flask_migrate.Migrate(app, db)
            flask_migrate.upgrade(directory=str(ROOT / "migrations"))
    except ClickException as error:  # of a database from a newer release
        raise CannotRun(str(error)) from None
    except SQLAlchemyError as error:
        raise CannotRun(f"The database at DATABASE_URL cannot be prepared: {type(error).__name__}.") from None
    valkey = {"MANI_VALKEY": str(valkey_server.find()), "MANI_STARTS_VALKEY": str(starts_valkey).lower()}
    return app, environment | valkey | {"MANI_PYTHON": sys.executable, "MANI_PORT": str(port)}


def run(directory: DataDirectory) -> None:
    """Start everything and become wait_for_stop.py, for which signals wait that arrive meanwhile."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    app, environment = prepare(directory)
    supervisord = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-IS", DIE_WITH_PARENT, sys.executable, "-m", "supervisor.supervisord", "-c", SUPERVISORD],
        env=environment,
        cwd=directory.path,  # the names of files in the configuration are relative to it
        pass_fds=[directory.lock_file.fileno()],  # the directory stays locked until the last part has stopped
        start_new_session=True,  # Ctrl-C reaches this process only
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # supervisord would die where it cannot write, as on a full disk
    )
    try:
        if wait_until_ready(app.extensions["settings"].port, supervisord, directory.log):
            greet(app, directory)
    except BaseException:
        supervisord.terminate()
        supervisord.wait()
        raise
    os.set_inheritable(directory.lock_file.fileno(), True)
    words = [supervisord.pid, directory.path]
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            words.append(db.engine.url.database)
    os.execv(sys.executable, [sys.executable, "-IS", WAIT_FOR_STOP, *map(str, words)])  # noqa: S606 - our own program


def wait_until_ready(port: int, supervisord: subprocess.Popen, log: Path) -> bool:
    """False where somebody has asked to stop meanwhile. Raises CannotRun."""
    ends = time.monotonic() + WEB_TIMEOUT
    while not web_answers(port):
        if signal.sigpending().intersection(STOP_SIGNALS):
            return False
        if supervisord.poll() is not None:
            raise CannotRun(f"supervisord has ended unexpectedly; see {log}.")
        if time.monotonic() > ends:
            raise CannotRun(f"The web server doesn't answer within {WEB_TIMEOUT:.0f} seconds.")
        time.sleep(0.1)
    return True


def web_answers(port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def greet(app: Flask, directory: DataDirectory) -> None:
    """Say where mani is. A new database gets its owner, whose password is stored nowhere."""
    print(f"\nmani is running at {app.extensions['settings'].public_url}")
    with app.app_context():
        if not users.any_users():
            password = users.new_password()
            with transaction():
                name = os.environ.get("ACCOUNT_NAME") or PLACEHOLDER_NAME
                users.create_user(OWNER_EMAIL, password, Account(name=name, plan="pro"))
            print(f"  Sign in    {OWNER_EMAIL}")
            print(f"  Password   {password}   (shown this once; change it under Settings)")
    print(f"  Data, log  {directory.path}")
    print("  Stop       Ctrl-C\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())

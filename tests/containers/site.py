"""A folder with a release of mani, as an operator has one, and the commands of docs/operations.md."""

import json
import os
import re
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OVERRIDES = Path(__file__).with_name("overrides.yaml")
SUDO = 'command -v sudo >/dev/null || sudo() { "$@"; }\n'  # root in a container has none
COMMAND_TIMEOUT = 1800  # seconds
PASSWORD = re.compile(r"Password \(shown this once\): (\S+)")


class CommandFailed(Exception):
    """A command ended with another status than 0; the message is the end of what it said."""


def documented(beginning: str) -> str:
    """The block of commands in docs/operations.md that begins so, for a site at https://localhost."""
    page = (ROOT / "docs/operations.md").read_text()
    block = re.search(rf"^    {re.escape(beginning)}.*?(?=\n\n)", page, re.MULTILINE | re.DOTALL)
    return textwrap.dedent(block[0]).replace("mani.example.com", "localhost")


def run(*words: str, folder: Path = ROOT, environment: Mapping[str, str] = os.environ, stdin: str = "") -> str:
    """What the command said. Raises CommandFailed."""
    done = subprocess.run(
        words, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, timeout=COMMAND_TIMEOUT
    )
    if done.returncode:
        raise CommandFailed(f"status {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
    return done.stdout


class Site:
    """Leaving it removes its containers and volumes."""

    def __init__(self, folder: Path, project: str, stripe_api_base: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.environment = os.environ | {
            "COMPOSE_FILE": f"compose.yaml:{OVERRIDES}",
            "COMPOSE_PROJECT_NAME": project,
            "STRIPE_API_BASE": stripe_api_base,
        }

    def __enter__(self) -> "Site":
        self.remove()  # what an earlier walk left that was killed
        return self

    def __exit__(self, *_error: object) -> None:
        self.remove()

    def put(self, commit: str) -> None:
        """The files of this release in place of those of another."""
        self.run(f"git -C {ROOT} archive {commit} | tar --extract --recursive-unlink")

    def run(self, commands: str) -> str:
        return run("sh", "-ec", SUDO + commands, folder=self.folder, environment=self.environment)

    def start_first(self) -> str:
        """From nothing to a running site: the owner's password."""
        return PASSWORD.search(self.run(documented("umask 077; mkdir secrets")))[1]

    def compose(self, words: str) -> str:
        return self.run(f"docker compose {words}")

    def moments(self) -> dict[str, str]:
        """The states of the first account's moments by their keys."""
        found = json.loads(self.compose("exec -T web flask --app wsgi moments 1 --json"))
        return {moment["key"]: moment["state"] for moment in found}

    def containers(self) -> list[dict]:
        """What `docker inspect` says of each container of mani's composition, but the one that migrates."""
        names = self.compose("ps --all --quiet").split()
        found = json.loads(self.run(f"docker inspect {' '.join(names)}"))
        return [each for each in found if each["Config"]["Labels"]["com.docker.compose.service"] != "migrate"]

    def remove(self) -> None:
        self.run("cd /; unset COMPOSE_FILE; docker compose down --volumes --timeout 5")

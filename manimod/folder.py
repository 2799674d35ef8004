"""DATA_DIR: the database, Valkey's files, the log and the generated secrets, readable by nobody else."""

import base64
import contextlib
import fcntl
import os
import secrets
import shutil
from pathlib import Path

LOG_BYTES = 20_000_000

Environment = dict[str, str]


class FolderUnusable(Exception):
    """One clear line about what is in the way."""


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "mani.db"
        self.valkey = path / "valkey"
        self.log = path / "mani.log"
        self._secrets = path / "secrets"
        try:
            for folder in (path, self.valkey, self._secrets):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = (path / "lock").open("a")
        except OSError as error:
            raise FolderUnusable(f"DATA_DIR {path} cannot be used: {error.strerror}.") from None

    @classmethod
    def of_environment(cls) -> "Folder":
        return cls(Path(os.environ.get("DATA_DIR") or "data").absolute())

    def environment(self, port: int) -> Environment:
        """Every setting: what was set from outside wins, the rest is generated once and handed on as names of files."""
        environment = dict(os.environ)
        for name, default in (
            ("SECRET_KEY_FILE", self.secret_key),
            ("ENCRYPTION_KEYS_FILE", self.encryption_keys),
            ("REDIS_URL_FILE", self.redis_url),
        ):
            if not environment.get(name) and not environment.get(name.removesuffix("_FILE")):
                environment[name] = str(default())
        if not environment.get("DATABASE_URL") and not environment.get("DATABASE_URL_FILE"):
            environment["DATABASE_URL"] = f"sqlite:///{self.database}"
        environment.setdefault("PUBLIC_URL", f"http://127.0.0.1:{port}")
        return environment

    def lock(self) -> None:
        """Hold the folder until this process and its forks have ended, however they end."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderUnusable(f"mani already runs on {self.path}. Stop it first, or set another DATA_DIR.") from None

    def unlock(self) -> None:
        self._lock.close()

    def secret_key(self) -> Path:
        return self._once("secret_key", secrets.token_hex(32))

    def encryption_keys(self) -> Path:
        return self._once("encryption_keys", f"k1:{base64.b64encode(os.urandom(32)).decode()}")

    def redis_url(self) -> Path:
        return self._secrets / "redis_url"

    def valkey_settings(self) -> Path:
        return self._secrets / "valkey.conf"

    def write(self, path: Path, text: str) -> None:
        """Whole or not at all, so that a stop in between cannot leave half a key."""
        draft = path.with_name(path.name + ".new")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def keep_log_small(self) -> None:
        """The children append to one open file: copy it away and empty it in place."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            with contextlib.suppress(OSError):  # on a full disk what is old goes without a copy
                shutil.copyfile(self.log, self.log.with_name(self.log.name + ".1"))
            os.truncate(self.log, 0)

    def _once(self, name: str, text: str) -> Path:
        path = self._secrets / name
        if not path.exists():
            self.write(path, text)
        return path

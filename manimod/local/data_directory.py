"""DATA_DIR: the database, Valkey's files, the log and the generated secrets, readable by nobody else."""

import base64
import contextlib
import fcntl
import os
import secrets
from pathlib import Path


class CannotRun(Exception):
    """One clear line about what is in the way."""


class DataDirectory:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "mani.db"
        self.log = path / "mani.log"
        self.valkey = path / "valkey"
        self.secrets = path / "secrets"
        self.redis_url = self.secrets / "redis_url"
        self.valkey_settings = self.secrets / "valkey.conf"
        try:
            for directory in (path, self.valkey, self.secrets):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.lock_file = (path / "lock").open("a")
            self.hide()
        except OSError as error:
            raise CannotRun(f"DATA_DIR {path} cannot be used: {error.strerror}.") from None

    def hide(self) -> None:
        """Files from before, or that another program has made, may have been everybody's to read."""
        for directory in (self.valkey, self.secrets):
            directory.chmod(0o700)
        for file in (*self.path.glob("mani.*"), *self.secrets.iterdir(), *self.valkey.rglob("*")):
            with contextlib.suppress(FileNotFoundError):  # of a draft that has just got its name
                file.chmod(0o700 if file.is_dir() else 0o600)

    @classmethod
    def from_environment(cls) -> "DataDirectory":
        """From now on, nobody else may read what this process writes."""
        os.umask(0o077)
        return cls(Path(os.environ.get("DATA_DIR") or "data").absolute())

    def lock(self) -> None:
        """Until this process and those that inherit `lock_file` have ended, however they end."""
        try:
            fcntl.flock(self.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotRun(f"mani already runs on {self.path}. Stop it first, or set another DATA_DIR.") from None

    def environment(self) -> dict[str, str]:
        """Every setting: the process's own environment wins; what is missing is generated once and kept in files."""
        encryption_key = base64.b64encode(os.urandom(32)).decode()
        generated = {"secret_key": secrets.token_hex(32), "encryption_keys": f"k1:{encryption_key}"}
        defaults = {"DATABASE_URL": f"sqlite:///{self.database}", "REDIS_URL_FILE": str(self.redis_url)}
        for name, secret in generated.items():
            path = self.secrets / name
            if not path.exists():
                self.write(path, secret)
            defaults[f"{name.upper()}_FILE"] = str(path)
        environment = dict(os.environ)
        for name, value in defaults.items():
            setting = name.removesuffix("_FILE")
            if not environment.get(setting) and not environment.get(f"{setting}_FILE"):
                environment[name] = value
        return environment

    def write(self, path: Path, text: str) -> None:
        """Whole or not at all, so that a crash cannot leave half a key."""
        draft = path.with_name(path.name + ".new")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

"""Typed settings, read once from the environment. A missing or wrong one stops the start with one clear line."""

import base64
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env, EnvValidationError, ValidationError, validate
from flask import current_app

WEB_SCHEMES = ("http://", "https://")
ONE_WORD = validate.Regexp(r"[!-~]+\Z", error="is not usable: a key is one word of ASCII characters")
MAIL_ADDRESS = validate.Regexp(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\Z", error="must be one e-mail address")
LONG_SECRET = validate.Length(32, error="is not usable: make one of 32 characters or more with `openssl rand -hex 32`")
# It may hold a password, so the error doesn't repeat it.
SMTP_ADDRESS = validate.Regexp(
    r"smtps?://([^\s@/?#]+@)?(\[[0-9a-f:]+\]|[^\s@/?#:]+)(:[1-9]\d{0,4})?/?\Z",
    error="must look like smtp://user:password@host:587 or smtps://user:password@host",
)
CALLS_FROM = "the address that mani calls from"  # where OUTBOUND_ADDRESSES doesn't say which

# How long mani waits for others, in seconds: deliveries and pages are answered within five, whoever hangs.
REDIS_TIMEOUT = 1  # for an answer; what it should have done is made up for
REQUEST_DATABASE_TIMEOUT = 2.5  # for a connection, SQLite's lock or a statement, while Stripe or a person waits
JOB_DATABASE_TIMEOUT = 10  # the same in a job; a statement of a command, such as a migration, may take any time
DEAD_HOST_TIMEOUT = 15  # until a connection whose other end has vanished counts as closed
PAUSE_AFTER_TIMEOUT = 1  # who has kept somebody waiting isn't asked again, so that others needn't wait, too
STRIPE_TIMEOUT = 10  # for a whole answer
KEY_CHECK_TIMEOUT = 3  # the same while a person waits
MAIL_TIMEOUT = 10  # for a mail to all its recipients; the scheduler waits meanwhile


class ConfigError(Exception):
    """A setting is missing or wrong; the message is one line that names the setting and the fix."""


@dataclass(frozen=True, repr=False)
class LlmSettings:
    """The optional language model: its name, the address of an OpenAI-compatible API, and a key if it needs one."""

    name: str
    base_url: str
    api_key: str | None = None


class Settings:
    """Everything the application takes from outside. Raises ConfigError for the first one that is missing or wrong."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        env = SettingsReader(environment)
        schemes = ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://")
        # SQLAlchemy wants the driver named; hosting providers hand out postgres:// addresses.
        database_url = env.address("DATABASE_URL", schemes)
        self.database_url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", database_url)
        self.redis_url = env.address("REDIS_URL", ("redis://", "rediss://", "unix://"))
        self.port = env.number("PORT", 8000, least=1, most=65535)
        self.public_url = env.address("PUBLIC_URL", WEB_SCHEMES, f"http://127.0.0.1:{self.port}")
        self.stripe_api_base = env.address("STRIPE_API_BASE", WEB_SCHEMES, "https://api.stripe.com")
        self.outbound_addresses: list[str] = env.addresses("OUTBOUND_ADDRESSES", "")
        self.upgrade_link = env.address("UPGRADE_LINK", (*WEB_SCHEMES, "mailto:"), None)
        self.sync_interval_minutes = env.number("SYNC_INTERVAL_MINUTES", 60, least=1)
        former_name = env.number("SETTLE_SECONDS", 20, least=0)
        self.grace_period_seconds = env.number("GRACE_PERIOD_SECONDS", former_name, least=0)
        self.stripe_requests_per_second = env.number("STRIPE_REQUESTS_PER_SECOND", 25, least=1)
        self.trusted_proxies = env.number("TRUSTED_PROXIES", 0, least=0)
        self.retention_days = env.number("RETENTION_DAYS", 90, least=31)  # Stripe resends for 30 days
        yes_or_no = {"invalid": "must be yes or no"}
        self.fetches_pictures = env.bool("FETCH_PICTURES", True, error_messages=yes_or_no)
        self.secret_key = env.str("SECRET_KEY", validate=LONG_SECRET)
        self.encryption_keys: dict[str, bytes] = env.encryption_keys("ENCRYPTION_KEYS")
        self.metrics_token = env.str("METRICS_TOKEN", None, validate=ONE_WORD)
        self.smtp_url = env.str("SMTP_URL", None, validate=SMTP_ADDRESS)
        self.mail_from = env.str("MAIL_FROM", "mani@localhost", validate=MAIL_ADDRESS)
        self.alert_email = env.str("ALERT_EMAIL", None, validate=MAIL_ADDRESS)
        self.llm: LlmSettings | None = None
        if model := env.str("LLM_MODEL", None):
            address = env.address("LLM_BASE_URL", WEB_SCHEMES, "https://api.openai.com/v1")
            self.llm = LlmSettings(model, address, env.str("LLM_API_KEY", None, validate=ONE_WORD))
        try:
            env.seal()
        except EnvValidationError as error:
            name, problems = next(iter(error.error_messages.items()))
            if problems[0] == "Environment variable not set.":
                problems = [f"is not set. Set {name} (or {name}_FILE), or start with `make run`, which sets it"]
            raise ConfigError(f"{name} {problems[0]}.") from None

    @property
    def calls_from(self) -> str:
        """The addresses that Stripe sees, for keys that are limited to IP addresses."""
        return " and ".join(self.outbound_addresses) or CALLS_FROM

    @property
    def is_local(self) -> bool:
        """Whether PUBLIC_URL is a name or an address that only this machine or its network knows."""
        host = urlsplit(self.public_url).hostname or ""
        try:
            return not ipaddress.ip_address(host).is_global
        except ValueError:
            return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".test"))


def settings() -> Settings:
    """The settings of the running application."""
    return current_app.extensions["settings"]


class SettingsReader(Env):
    """environs over any mapping: NAME_FILE may name a file that holds the value, and an empty value is not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self.environment = environment
        self.add_parser("encryption_keys", parse_encryption_keys)
        self.add_parser("addresses", parse_addresses)

    def _get_value(self, env_key: str, default: Any) -> Any:
        value = self.environment.get(env_key)
        if file := self.environment.get(f"{env_key}_FILE"):
            try:
                value = Path(file).read_text(encoding="utf-8", errors="replace").strip()
            except OSError as error:
                raise ConfigError(f"{env_key}_FILE points to {file}, which cannot be read: {error.strerror}.") from None
        return value or default

    def number(self, name: str, default: int, least: int, most: int = 10**9) -> int:
        error = f"must be a whole number from {least} to {most}"
        in_range = validate.Range(least, most, error=error)
        return self.int(name, default, validate=in_range, error_messages={"invalid": error})

    def address(self, name: str, schemes: tuple[str, ...], default: Any = ...) -> str:
        is_known = validate.Regexp("|".join(map(re.escape, schemes)), error=f"must start with {' or '.join(schemes)}")
        return (self.str(name, default, validate=is_known) or "").rstrip("/")


def parse_encryption_keys(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64`; the first one encrypts, all of them decrypt. Each key is 32 bytes."""
    keys = {}
    for part in text.split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not key_id.isalnum() or len(key) != 32:
            raise ValidationError("is not usable: write it as id:base64 of 32 bytes, several separated by commas")
        keys[key_id] = key
    return keys


def parse_addresses(text: str) -> list[str]:
    """IP addresses or networks, separated by commas."""
    addresses = []
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            ipaddress.ip_network(part)
        except ValueError:
            raise ValidationError("must be IP addresses, separated by commas") from None
        addresses.append(part)
    return addresses

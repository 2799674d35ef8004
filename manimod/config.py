"""Typed settings, read once from the environment. What is missing or wrong stops the start with one clear line."""

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

STRIPE_API_BASE = "https://api.stripe.com"
LLM_BASE_URL = "https://api.openai.com/v1"

Value = TypeVar("Value")


class ConfigError(Exception):
    """A setting is missing or wrong; the message is one line that names the setting and the fix."""


@dataclass(frozen=True)
class LlmSettings:
    """The optional language model: its name, the address of an OpenAI-compatible API, and a key if it needs one."""

    name: str
    base_url: str
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """Everything the application takes from outside. Secrets are never shown by repr()."""

    database_url: str
    redis_url: str
    public_url: str
    stripe_api_base: str
    sync_interval_minutes: int
    settle_seconds: int
    stripe_requests_per_second: int
    trusted_proxies: int
    retention_days: int
    secret_key: str
    encryption_keys: dict[str, bytes]
    llm: LlmSettings | None = None
    metrics_token: str | None = None
    smtp_url: str | None = None
    mail_from: str = "mani@localhost"
    alert_email: str | None = None

    def __repr__(self) -> str:
        return f"Settings(public_url={self.public_url!r})"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; each secret may also come from the file that NAME_FILE names.

    Raises ConfigError with the name of the first setting that is missing or wrong.
    """
    env = os.environ if environment is None else environment
    return Settings(
        database_url=_database_url(_required(env, "DATABASE_URL")),
        redis_url=_redis_url(_required(env, "REDIS_URL")),
        public_url=_web_address(env, "PUBLIC_URL", "http://127.0.0.1:8000"),
        stripe_api_base=_web_address(env, "STRIPE_API_BASE", STRIPE_API_BASE),
        sync_interval_minutes=_whole_number(env, "SYNC_INTERVAL_MINUTES", 60, least=1),
        settle_seconds=_whole_number(env, "SETTLE_SECONDS", 20, least=0),
        stripe_requests_per_second=_whole_number(env, "STRIPE_REQUESTS_PER_SECOND", 25, least=1),
        trusted_proxies=_whole_number(env, "TRUSTED_PROXIES", 0, least=0),
        retention_days=_whole_number(env, "RETENTION_DAYS", 90, least=31),  # Stripe resends for 30 days
        secret_key=_convert("SECRET_KEY", _required(env, "SECRET_KEY"), _long_secret),
        encryption_keys=_convert("ENCRYPTION_KEYS", _required(env, "ENCRYPTION_KEYS"), _encryption_keys),
        llm=_llm(env),
        metrics_token=_metrics_token(env),
        smtp_url=_smtp_url(env),
        mail_from=_mail_address(env, "MAIL_FROM") or "mani@localhost",
        alert_email=_mail_address(env, "ALERT_EMAIL"),
    )


def port(environment: Mapping[str, str] | None = None) -> int:
    """The TCP port of the web server, from PORT (8000)."""
    env = os.environ if environment is None else environment
    return _whole_number(env, "PORT", 8000, least=1, most=65535)


def _optional(env: Mapping[str, str], name: str) -> str | None:
    file = env.get(f"{name}_FILE")
    if not file:
        return env.get(name) or None
    try:
        return Path(file).read_text(encoding="utf-8").strip() or None
    except OSError as error:
        raise ConfigError(f"{name}_FILE points to {file}, which cannot be read: {error.strerror}.") from None


def _required(env: Mapping[str, str], name: str) -> str:
    value = _optional(env, name)
    if value is None:
        raise ConfigError(f"{name} is not set. Set {name} (or {name}_FILE), or start with `make run`, which sets it.")
    return value


def _convert(name: str, text: str, convert: Callable[[str], Value]) -> Value:
    try:
        return convert(text)
    except (ValueError, binascii.Error) as error:
        raise ConfigError(f"{name} is not usable: {error}.") from None


def _whole_number(env: Mapping[str, str], name: str, default: int, least: int, most: int = 10**9) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ConfigError(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)


def _web_address(env: Mapping[str, str], name: str, default: str) -> str:
    text = (env.get(name) or default).rstrip("/")
    if not text.startswith(("http://", "https://")):
        raise ConfigError(f"{name} must start with http:// or https://, not {text!r}.")
    return text


def _llm(env: Mapping[str, str]) -> LlmSettings | None:
    """None without LLM_MODEL, whatever else is set: emptying it switches the model off."""
    name = env.get("LLM_MODEL")
    if not name:
        return None
    key = _optional(env, "LLM_API_KEY")
    return LlmSettings(
        name, _web_address(env, "LLM_BASE_URL", LLM_BASE_URL), key and _convert("LLM_API_KEY", key, _token)
    )


def _metrics_token(env: Mapping[str, str]) -> str | None:
    token = _optional(env, "METRICS_TOKEN")
    return token and _convert("METRICS_TOKEN", token, _token)


def _smtp_url(env: Mapping[str, str]) -> str | None:
    """It may hold a password, so no error quotes it."""
    url = _optional(env, "SMTP_URL")
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme in ("smtp", "smtps") and parts.hostname and (parts.port or True)
    except ValueError:
        is_complete = False
    if not is_complete:
        raise ConfigError("SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host.")
    return url


def _mail_address(env: Mapping[str, str], name: str) -> str | None:
    address = env.get(name) or None
    if address and (address.count("@") != 1 or not address.isprintable() or " " in address):
        raise ConfigError(f"{name} must be one e-mail address, not {address!r}.")
    return address


def _database_url(url: str) -> str:
    """SQLAlchemy wants the driver named; hosting providers hand out postgres:// addresses."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    if not url.startswith(("postgresql+psycopg://", "sqlite:///")):
        raise ConfigError("DATABASE_URL must start with sqlite:/// or postgresql://.")
    return url


def _redis_url(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigError("REDIS_URL must start with redis://, rediss:// or unix://.")
    return url


def _token(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a key is one word of ASCII characters")
    return text


def _long_secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError("it needs at least 32 characters; make one with `openssl rand -hex 32`")
    return text


def _encryption_keys(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64`; the first one seals, all of them open. Each key is 32 bytes."""
    keys = {}
    for part in text.split(","):
        key_id, _, encoded = part.strip().partition(":")
        key = base64.b64decode(encoded, validate=True)
        if not key_id.isalnum() or len(key) != 32:
            raise ValueError("write it as id:base64 of 32 bytes, several separated by commas")
        keys[key_id] = key
    return keys

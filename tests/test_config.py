"""Settings: what is missing or wrong is named in one sentence, and secrets may come from files."""

import base64
from pathlib import Path

import pytest

from manimod.config import ConfigError, Settings

KEY = base64.b64encode(b"k" * 32).decode()
COMPLETE = {
    "DATABASE_URL": "sqlite:////tmp/mani.db",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "SECRET_KEY": "s" * 32,
    "ENCRYPTION_KEYS": f"k1:{KEY}",
}


def test_defaults_point_to_stripe_and_to_an_hourly_sync() -> None:
    settings = Settings(COMPLETE)
    assert settings.stripe_api_base == "https://api.stripe.com"
    assert settings.sync_interval_minutes == 60
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.port == 8000


def test_the_address_of_this_machine_has_the_port() -> None:
    assert Settings({**COMPLETE, "PORT": "9000"}).public_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize("link", ["https://mani.example.com/plans", "mailto:plans@example.com"])
def test_the_way_to_a_larger_plan_is_a_page_or_a_mail(link: str) -> None:
    assert Settings({**COMPLETE, "UPGRADE_LINK": link}).upgrade_link == link
    assert not Settings(COMPLETE).upgrade_link


@pytest.mark.parametrize("name", COMPLETE)
def test_what_is_required_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is not set"):
        Settings({**COMPLETE, name: ""})


@pytest.mark.parametrize("name", COMPLETE)
def test_every_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(COMPLETE[name] + "\n")
    environment = {key: value for key, value in COMPLETE.items() if key != name}
    assert vars(Settings({**environment, f"{name}_FILE": str(file)})) == vars(Settings(COMPLETE))


def test_a_file_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match="SECRET_KEY_FILE points to /nowhere, which cannot be read"):
        Settings({**COMPLETE, "SECRET_KEY_FILE": "/nowhere"})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_addresses_get_the_installed_driver(scheme: str) -> None:
    settings = Settings({**COMPLETE, "DATABASE_URL": f"{scheme}://mani:pw@db/mani"})
    assert settings.database_url == "postgresql+psycopg://mani:pw@db/mani"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/mani"),
        ("PUBLIC_URL", "mani.example.com"),
        ("STRIPE_API_BASE", "api.stripe.com"),
        ("OUTBOUND_ADDRESSES", "203.0.113.7, mani.example.com"),
        ("SYNC_INTERVAL_MINUTES", "0"),
        ("SYNC_INTERVAL_MINUTES", "an hour"),
        ("FETCH_PICTURES", "perhaps"),
        ("GRACE_PERIOD_SECONDS", "-1"),
        ("GRACE_PERIOD_SECONDS", "²"),
        ("SECRET_KEY", "short"),
        ("ENCRYPTION_KEYS", KEY),
        ("ENCRYPTION_KEYS", "k1:c2hvcnQ="),
        ("ENCRYPTION_KEYS", "k1:not base64"),
        ("ENCRYPTION_KEYS", f"k1:{KEY},k2"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} ") as caught:
        Settings({**COMPLETE, name: value})
    assert "\n" not in str(caught.value)


def test_the_former_name_of_the_grace_period_still_counts() -> None:
    assert Settings({**COMPLETE, "SETTLE_SECONDS": "7"}).grace_period_seconds == 7
    assert Settings({**COMPLETE, "SETTLE_SECONDS": "7", "GRACE_PERIOD_SECONDS": "9"}).grace_period_seconds == 9


@pytest.mark.parametrize(
    "url",
    ["smtp://mail", "smtp://mail:25", "smtps://ada:p%40ss@mail.example.com:465", "smtp://[::1]:25/"],
)
def test_mail_servers(url: str) -> None:
    assert Settings({**COMPLETE, "SMTP_URL": url}).smtp_url == url


@pytest.mark.parametrize("url", ["mail:25", "http://mail", "smtp://", "smtp://ada:secret@", "smtp://mail:0"])
def test_a_wrong_mail_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="^SMTP_URL must look like smtp://user:password@host:587") as caught:
        Settings({**COMPLETE, "SMTP_URL": url})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["0", "65536", "http", ""])
def test_ports(value: str) -> None:
    if value:
        with pytest.raises(ConfigError, match="^PORT must be a whole number"):
            Settings({**COMPLETE, "PORT": value})
    else:
        assert Settings({**COMPLETE, "PORT": value}).port == 8000


@pytest.mark.parametrize(("value", "is_on"), [("", True), ("yes", True), ("no", False), ("false", False)])
def test_pictures_of_products_are_fetched_unless_that_is_switched_off(value: str, is_on: bool) -> None:
    assert Settings({**COMPLETE, "FETCH_PICTURES": value}).fetches_pictures is is_on


def test_several_encryption_keys_keep_their_order() -> None:
    settings = Settings({**COMPLETE, "ENCRYPTION_KEYS": f"new:{KEY}, old:{KEY}"})
    assert list(settings.encryption_keys) == ["new", "old"]


def test_no_language_model_unless_one_is_named() -> None:
    assert Settings({**COMPLETE, "LLM_API_KEY": "sk-1", "LLM_MODEL": ""}).llm is None


def test_a_language_model_has_an_address_and_perhaps_a_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-1\n")
    named = Settings({**COMPLETE, "LLM_MODEL": "gpt-x", "LLM_API_KEY_FILE": str(file)}).llm
    assert (named.name, named.base_url, named.api_key) == ("gpt-x", "https://api.openai.com/v1", "sk-1")
    assert "sk-1" not in repr(named)
    local = Settings({**COMPLETE, "LLM_MODEL": "qwen", "LLM_BASE_URL": "http://127.0.0.1:11434/v1/"}).llm
    assert (local.base_url, local.api_key) == ("http://127.0.0.1:11434/v1", None)


@pytest.mark.parametrize(("name", "value"), [("LLM_BASE_URL", "ftp://models"), ("LLM_API_KEY", "two words")])
def test_a_wrong_value_for_the_language_model_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} ") as caught:
        Settings({**COMPLETE, "LLM_MODEL": "gpt-x", name: value})
    assert "two words" not in str(caught.value)


def test_no_secret_is_shown_or_told() -> None:
    settings = Settings(COMPLETE)
    assert "s" * 32 not in repr(settings)
    with pytest.raises(ConfigError) as caught:
        Settings({**COMPLETE, "ENCRYPTION_KEYS": "k1:secretvalue"})
    assert "secretvalue" not in str(caught.value)

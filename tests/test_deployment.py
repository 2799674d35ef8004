"""Image, composition and units name things that exist, and hold no secret. `make containers` runs them."""

import configparser
import re
import shlex
from pathlib import Path

import pytest
import yaml

from manimod import config

ROOT = Path(__file__).resolve().parent.parent
COMPOSITION = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSITION["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "mani"}
UNITS = sorted((ROOT / "docs/systemd").glob("*.service"))
SECRET = re.compile(r"(KEY|SECRET|PASSWORD|TOKEN)\w*\s*[=:]", re.IGNORECASE)
IMAGES = {"python:3.13-slim", "postgres:17", "valkey/valkey:8", "caddy:2", "mani"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions and their arguments."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(" ", 1)) for line in lines]


def given(name: str) -> list[str]:
    return [arguments for instruction, arguments in instructions() if instruction == name]


def commands() -> dict[str, list[str]]:
    """Every command that starts a process of ours, by where it stands."""
    procfile = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    found = {f"Procfile {name}": shlex.split(command) for name, command in procfile.items()}
    found |= {f"compose {name}": service["command"] for name, service in OURS.items() if "command" in service}
    found |= {unit.name: shlex.split(read(unit)["Service"]["ExecStart"]) for unit in UNITS}
    return found | {"Dockerfile": yaml.safe_load(given("CMD")[-1])}


def read(unit: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(unit)
    return parser


def test_the_image_copies_what_exists_and_what_the_context_holds() -> None:
    context = (ROOT / ".dockerignore").read_text().split()
    copied = [word for line in given("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists() or f"!{name}" not in context] == []


def test_the_image_runs_as_nobody_special_and_says_how_it_is() -> None:
    assert given("USER") == ["mani"]
    assert "/healthz" in given("HEALTHCHECK")[0]
    assert [instruction for instruction, _ in instructions()].index("USER") > 0


def test_no_image_but_the_well_known_ones_is_named() -> None:
    assert {line.split()[0] for line in given("FROM")} | {s["image"] for s in SERVICES.values()} == IMAGES


def test_no_secret_stands_in_the_image_or_the_composition() -> None:
    assert not [line for line in given("ENV") + given("ARG") if SECRET.search(line)]
    settings = {name for service in SERVICES.values() for name in service.get("environment", {})}
    assert not [name for name in settings if SECRET.search(f"{name}=") and not name.endswith("_FILE")]
    assert set(COMPOSITION["secrets"]) == {name for s in SERVICES.values() for name in s.get("secrets", ())}


def test_the_composition_sets_what_mani_asks_for() -> None:
    settings = OURS["web"]["environment"]
    with pytest.raises(config.ConfigError, match="DATABASE_URL_FILE points to /run/secrets/database_url"):
        config.Settings({name: str(value) for name, value in settings.items()})


def test_one_service_builds_the_image_that_all_of_them_run() -> None:
    assert [name for name, service in OURS.items() if "build" in service] == ["migrate"]


def test_a_signal_stops_each_process_at_any_moment() -> None:
    """As process 1, Python ignores SIGTERM wherever it has no handler."""
    assert [name for name, service in OURS.items() if not service["init"]] == []


def test_the_database_is_healthy_only_where_others_reach_it() -> None:
    """While PostgreSQL's image makes the database, it answers behind its socket already."""
    assert "--host" in SERVICES["postgres"]["healthcheck"]["test"]


def test_no_log_fills_the_disk() -> None:
    assert [name for name, service in SERVICES.items() if not service["logging"]["options"]["max-size"]] == []


def test_everything_starts_after_the_migration() -> None:
    assert {name for name, service in OURS.items() if "migrate" in service["depends_on"]} == set(OURS) - {"migrate"}
    assert OURS["migrate"]["command"] == ["flask", "--app", "wsgi", "db", "upgrade"]


def test_the_proxy_has_its_file_and_knows_the_web_server() -> None:
    proxy = SERVICES["caddy"]
    assert "./Caddyfile:/etc/caddy/Caddyfile:ro" in proxy["volumes"]
    assert "MANI_HOST" in proxy["environment"]
    port = re.search(r'^bind = "[\d.]+:(\d+)"', (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)[1]
    assert f"reverse_proxy web:{port} {{" in (ROOT / "Caddyfile").read_text()


@pytest.mark.parametrize("where", commands())
def test_each_command_exists(where: str) -> None:
    program, *words = commands()[where]
    assert (ROOT / ".venv/bin" / Path(program).name).exists() or Path(program).name in ("python", "gunicorn", "flask")
    match words:
        case ["worker.py", *rest]:
            assert rest in (["work", "mani"], ["work", "mani-sync"], ["schedule"])
        case ["-m", module]:
            assert (ROOT / module.replace(".", "/") / "__main__.py").exists()
        case ["--app", app, "db", "upgrade"]:
            assert (ROOT / f"{app}.py").exists()
        case _:
            assert words[-1] == "wsgi:app"


@pytest.mark.parametrize("name", ["mani-local", "mani-web"])
def test_who_has_children_stops_them_itself(name: str) -> None:
    """systemd would send SIGTERM to all at once, and the parts of mani-local stop one after the other."""
    assert read(ROOT / f"docs/systemd/{name}.service")["Service"]["KillMode"] == "mixed"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_unit_restarts_and_may_not_become_root(unit: Path) -> None:
    service = read(unit)["Service"]
    assert (service["User"], service["Restart"], service["NoNewPrivileges"]) == ("mani", "always", "yes")
    assert read(unit)["Install"]["WantedBy"] == "multi-user.target"


def test_the_settings_page_lists_every_setting() -> None:
    asked = set(re.findall(r'(?:env|self)\.\w+\("([A-Z_]+)"', (ROOT / "manimod/config.py").read_text()))
    page = (ROOT / "docs/operations.md").read_text()
    assert len(asked) > 15, "the search has found too little to prove anything"
    assert not {name for name in asked if f"`{name}`" not in page}

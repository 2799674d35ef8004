"""The lock files: every pin has hashes, none names an index, and together they suit Python 3.11 to 3.13."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
IN_ONE_ENVIRONMENT = [name for name in LOCKS if name != "requirements-peers.txt"]
PYTHONS = ("3.11", "3.12", "3.13")


def pins(name: str) -> dict[Requirement, int]:
    """Each pinned requirement and the number of its hashes."""
    joined = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return {Requirement(line.split(" --hash")[0].strip()): line.count("--hash=sha256:") for line in lines}


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_is_exact_and_has_hashes(name):
    found = pins(name)
    assert found
    assert [str(pin) for pin, hashes in found.items() if not hashes] == []
    assert [str(pin) for pin in found if not re.fullmatch(r"==[\w.+!]+", str(pin.specifier))] == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_an_index_or_an_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("python", PYTHONS)
def test_each_python_gets_one_version_of_each(python):
    """Markers may choose by Python or platform, but never two versions of one package at once."""
    environment = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux"}
    environment |= {"platform_system": "Linux", "platform_machine": "x86_64", "implementation_name": "cpython"}
    environment |= {"platform_python_implementation": "CPython", "os_name": "posix", "extra": ""}
    chosen: dict[str, set[str]] = {}
    for name in IN_ONE_ENVIRONMENT:
        for pin in pins(name):
            if pin.marker is None or pin.marker.evaluate(environment):
                chosen.setdefault(pin.name.lower(), set()).add(str(pin.specifier))
    assert {name: versions for name, versions in chosen.items() if len(versions) > 1} == {}


def test_what_no_wheel_is_published_of_is_built_with_a_pinned_tool():
    """Otherwise pip fetches the newest setuptools for the build, whatever it is."""
    assert {pin.name for pin in pins("requirements-build.txt")} == {"setuptools"}
    for file in ("Makefile", "Dockerfile"):
        installs = re.findall(r".*--require-hashes.* -r requirements.txt|INSTALL :=.*", (ROOT / file).read_text())
        assert installs
        assert all("--no-build-isolation" in line for line in installs)


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_named_is_locked(python):
    named = {
        re.split(r"[\[=<>;\s]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "requirements.in").read_text().splitlines()
        if line.strip() and not line.startswith(("#", "-"))
    }
    environment = {"python_version": python, "python_full_version": f"{python}.1"}
    locked = {p.name.lower() for p in pins("requirements.txt") if p.marker is None or p.marker.evaluate(environment)}
    assert named <= locked

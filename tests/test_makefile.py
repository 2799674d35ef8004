"""make says in one line what is in the way on a machine that cannot run mani."""

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parent.parent / "Makefile"


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A folder without a virtual environment."""
    shutil.copy(MAKEFILE, tmp_path)
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", *words], cwd=folder, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})


def python(folder: Path, answers: str) -> str:
    """A Python that answers like one of another machine."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\ncase "$*" in {answers} esac\n')
    path.chmod(0o755)
    return f"PYTHON={path}"


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (None, "There is no python-nowhere here: install Python 3.11 or newer"),
        ("*version_info*) exit 1;;", "is too old: install Python 3.11 or newer"),
        ("*ensurepip*) exit 1;;", "install python3-venv (Debian: apt-get install python3-venv)"),
    ],
)
def test_a_missing_python_is_said_in_one_line(fresh: Path, answers: str | None, sentence: str) -> None:
    (fresh / "requirements.txt").touch()
    done = make(fresh, "run", python(fresh, answers) if answers else "PYTHON=python-nowhere")
    assert done.returncode != 0
    assert done.stdout == ""
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (fresh / ".venv").exists()


def test_make_alone_lists_every_target(fresh: Path) -> None:
    listed = {line.split()[1] for line in make(fresh).stdout.splitlines()}
    assert listed == {
        "help",
        "run",
        "demo",
        "llm",
        "test",
        "lint",
        "lock",
        "published",
        "bench",
        "bench-peers",
        "chaos",
        "fuzz",
        "containers",
        "audit",
        "sbom",
        "backup",
        "restore",
        "screenshots",
        "migration",
    }


def test_where_no_sbom_can_be_made_one_line_says_so(fresh: Path) -> None:
    pip = fresh / ".venv/bin/pip"
    pip.parent.mkdir(parents=True)
    pip.touch()
    done = make(fresh, "sbom", python(fresh, "*) exit 1;;"))
    assert done.returncode != 0
    assert done.stdout == "There is no SBOM: cyclonedx-bom cannot be installed here (offline?)\n"
    assert not (fresh / "sbom.json").exists()


def test_the_lock_ends_with_a_look_at_what_is_served_of_others() -> None:
    recipe = MAKEFILE.read_text().partition("\nlock: ")[2].partition("\n\n")[0]
    assert recipe.splitlines()[-1] == "\t@$(MAKE) --no-print-directory published"


def test_no_package_host_is_named() -> None:
    assert "://" not in MAKEFILE.read_text()

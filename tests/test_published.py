"""`make published` compares htmx with npm's; npm is a program here that packs what the test wants."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from manimod.web.assets import SOURCES

ROOT = Path(__file__).resolve().parent.parent


def compare(npm: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tests.published"]
    environment = os.environ | {"PATH": f"{npm.parent}:/usr/bin:/bin"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def npm_with(folder: Path, script: bytes) -> Path:
    package, file = folder / "htmx.org.tgz", folder / "htmx.min.js"
    file.write_bytes(script)
    with tarfile.open(package, "w:gz") as tar:
        tar.add(file, "package/dist/htmx.min.js")
    return program(folder / "npm", f"cp {package} .")


def test_the_file_that_is_installed_is_the_one_that_was_published(tmp_path: Path) -> None:
    done = compare(npm_with(tmp_path, SOURCES["htmx.js"].read_bytes()))
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stdout + done.stderr
    assert "is the file that htmx.org has published" in done.stdout


def test_another_file_is_a_failure_that_says_what_to_do(tmp_path: Path) -> None:
    done = compare(npm_with(tmp_path, SOURCES["htmx.js"].read_bytes() + b"evil()"))
    assert done.returncode == 1
    assert "Keep the pin from before" in done.stdout


@pytest.mark.parametrize("answer", ["exit 1", "touch empty.tgz", "true"])
def test_without_an_answer_of_npm_one_line_says_that_nothing_was_compared(tmp_path: Path, answer: str) -> None:
    done = compare(program(tmp_path / "npm", answer))
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stdout + done.stderr
    assert "is not compared" in done.stdout

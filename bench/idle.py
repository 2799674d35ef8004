"""`make run` where nothing happens: what it writes, what it takes of the processor, and how much memory it holds.

All of its processes are counted, from proc(5): `write_bytes` is what was handed to the disk, `Pss` shares a page that
several processes have in common between them.
"""

import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure
from bench.stage import processor_seconds
from tests.journeys.stack import Stack, descendants_of

WARM_UP_SECONDS, SECONDS = 30, int(os.environ.get("BENCH_IDLE_SECONDS", "120"))


@dataclass
class Usage:
    """Of one process."""

    processor: float  # seconds
    written: int  # bytes
    wakeups: int

    @classmethod
    def of(cls, pid: int) -> "Usage":
        wakeups = 0
        for thread in Path(f"/proc/{pid}/task").iterdir():
            wakeups += number(thread / "status", "voluntary_ctxt_switches")
        return cls(processor_seconds(pid), number(Path(f"/proc/{pid}/io"), "write_bytes"), wakeups)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data") as stack:
        time.sleep(WARM_UP_SECONDS)
        pids = [stack.process.pid, *descendants_of(stack.process.pid)]
        before = [Usage.of(pid) for pid in pids]
        time.sleep(SECONDS)
        after = [Usage.of(pid) for pid in pids]
        memory = sum(number(Path(f"/proc/{pid}/smaps_rollup"), "Pss") for pid in pids) / 1024

    def used(name: str) -> float:
        return sum(getattr(usage, name) for usage in after) - sum(getattr(usage, name) for usage in before)

    return [
        goal("written to the disk", used("written") * 3600 / SECONDS / 1e6, "MB an hour", 1),
        goal("processor", 100 * used("processor") / SECONDS, "% of a core", 0.5),
        goal(f"memory of {len(pids)} processes", memory, "MB", 350),
        Figure("idle", "wakeups", used("wakeups") / SECONDS, "a second"),
    ]


def goal(name: str, value: float, unit: str, most: float) -> Figure:
    return Figure("idle", name, value, unit, goal=f"<= {most:g} {unit.split()[0]}", is_met=value <= most)


def number(file: Path, name: str) -> int:
    return int(re.search(rf"^{name}:\s+(\d+)", file.read_text(encoding="utf-8"), re.MULTILINE)[1])

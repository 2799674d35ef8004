"""Runs the benchmarks, prints one table and writes bench/results.json.

A benchmark is a module of this folder with `measure() -> list[Figure]`. Ratios hold from machine to machine, absolute
figures only on the one that is named above the table. Names choose some of them (`make bench ARGS="webhook drain"`);
`quick` takes smaller tables. `peers` only runs where it is named: it needs what `make bench-peers` installs.
"""

import importlib
import json
import os
import platform
import sys
import time
import traceback
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = ("webhook", "drain", "scaling", "delay", "engine", "creative", "sync", "pages", "tabs", "idle")
BENCHMARKS += ("audience_list",)
QUICK = {
    "BENCH_EVENTS": "4000",
    "BENCH_ROWS": "100000",
    "BENCH_STORM_SECONDS": "10",
    "BENCH_CUSTOMERS": "20000",
    "BENCH_CREATIVES": "5000",
    "BENCH_ACCOUNTS": "40",
}


def main(words: list[str]) -> int:
    """The exit status: 1 where a benchmark could not run. A goal that is missed is said in the table."""
    if "quick" in words:
        os.environ.update({name: value for name, value in QUICK.items() if name not in os.environ})
    chosen = [name for name in (*BENCHMARKS, "peers") if name in words] or BENCHMARKS
    measured = {name: run(name) for name in chosen}
    print(f"\n{machine()}\n")
    for figures in measured.values():
        for figure in figures or ():
            print(figure.line())
    keep({name: figures for name, figures in measured.items() if figures})
    return 1 if None in measured.values() else 0


def run(name: str) -> list | None:
    """One benchmark's figures, or None where it broke: the others still run."""
    begun = time.monotonic()
    try:
        return importlib.import_module(f"bench.{name}").measure()
    except Exception:
        traceback.print_exc()
        return None
    finally:
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


def machine() -> str:
    parts = ", ".join(f"{name} {version(name)}" for name in ("flask", "gunicorn", "sqlalchemy", "psycopg", "rq"))
    processor = next((line.split(": ")[1] for line in processor_lines() if line.startswith("model name")), "")
    return f"{processor} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {parts}"


def processor_lines() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def keep(measured: dict) -> None:
    """The file keeps the earlier figures of benchmarks that did not run now."""
    file = HERE / "results.json"
    earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    rows = [row for row in earlier if row["benchmark"] not in measured]
    for figures in measured.values():
        rows += [asdict(figure) | {"ratio": figure.ratio, "machine": machine()} for figure in figures]
    file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

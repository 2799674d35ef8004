"""Runs the benchmarks, prints one table and writes bench/results.json.

A benchmark is a module of this folder with `measure() -> list[Figure]`. Ratios hold from machine to machine, absolute
figures only on the one that is named above the table.
"""

import importlib
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = ("studio", "sync", "pages")


def main(names: list[str]) -> None:
    chosen = names or BENCHMARKS
    figures = [figure for name in chosen for figure in importlib.import_module(f"bench.{name}").measure()]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"\n{machine}\n")
    for figure in figures:
        print(figure.line())
    kept = [row for row in _earlier() if row["benchmark"] not in chosen]
    rows = kept + [asdict(figure) | {"ratio": figure.ratio, "machine": machine} for figure in figures]
    (HERE / "results.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _earlier() -> list[dict]:
    file = HERE / "results.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if name in BENCHMARKS])

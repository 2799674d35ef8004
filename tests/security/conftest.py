"""Fixtures of the web tests, for those who attack the same pages, and the summary of a long fuzz (`make fuzz`)."""

from collections import defaultdict

from tests.security import hostile
from tests.web.conftest import (
    add_creative,  # noqa: F401
    connection,  # noqa: F401
    creative,  # noqa: F401
)

__all__ = ["add_creative", "connection", "creative"]


def pytest_terminal_summary(terminalreporter) -> None:
    if not hostile.INPUTS:
        return
    surfaces = defaultdict(dict)
    for (surface, answer), count in sorted(hostile.DONE.items(), key=str):
        surfaces[surface][answer] = count
    terminalreporter.write_sep("=", f"fuzzed with FUZZ_SEED={hostile.SEED}")
    for surface, answers in surfaces.items():
        told = ", ".join(f"{answer}: {count:,}" for answer, count in answers.items())
        terminalreporter.write_line(f"{surface:<15} {sum(answers.values()):>7,} inputs   {told}")
    terminalreporter.write_line(f"{'all':<15} {sum(hostile.DONE.values()):>7,} inputs")

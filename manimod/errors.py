"""The failures that a person can be shown. Their sentences are in errors.toml."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Failure:
    """One table of errors.toml."""

    status: int
    meaning: str
    action: str
    defaults: dict[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return f"{self.meaning} {self.action}".rstrip()


TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
FAILURES = {code: Failure(**row) for code, row in TABLE.items()}
PASSING = ("STRIPE_RATE_LIMITED", "STRIPE_UNREACHABLE", "STRIPE_FAILED")  # these end by themselves


def explain(code: str | None, **slots: object) -> str:
    """The sentence for a failure that was stored by its code only; an unknown code reads like INTERNAL."""
    failure = FAILURES.get(code or "", FAILURES["INTERNAL"])
    return failure.message.format_map(failure.defaults | slots)


class ManimodError(Exception):
    """A failure from the table. `str()` is the sentence for the user."""

    def __init__(self, code: str, **slots: object) -> None:
        self.code = code
        self.status = FAILURES[code].status
        self.slots = slots
        super().__init__(FAILURES[code].message.format(**slots))

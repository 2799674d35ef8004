"""The steps of `make containers`: each tells its time in a line, or what it found to be wrong."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Failed(Exception):
    """What a step has found to be otherwise than it should be."""


@contextmanager
def step(sentence: str) -> Iterator[list[str]]:
    """Whatever the block adds to the list is told beside the time."""
    began, facts = time.monotonic(), []
    try:
        yield facts
    except BaseException as error:
        print(f"FAILED    {sentence}: {error}", flush=True)
        raise
    told = f" ({', '.join(facts)})" if facts else ""
    print(f"{time.monotonic() - began:6.1f} s  {sentence}{told}", flush=True)


def expect(condition: object, otherwise: str) -> None:
    if not condition:
        raise Failed(otherwise)


def wait_for(condition: Callable[[], object], otherwise: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, otherwise)
        time.sleep(0.5)

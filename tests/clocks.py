"""A clock of mani's that a test moves, while Stripe's and the test's own stay right."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from manimod.models import accounts


class Clock:
    """`ahead`: how much mani's clock is ahead of the right time; negative where it is behind."""

    ahead = timedelta()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()

    class MovedDatetime(datetime):
        @classmethod
        def now(cls, zone: Any = None) -> datetime:
            return datetime.now(zone) + moved.ahead

    monkeypatch.setattr(accounts, "datetime", MovedDatetime)
    return moved

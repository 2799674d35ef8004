from datetime import UTC, datetime, timedelta

import pytest

from manimod.web import labels

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("past", "said"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=60), "a minute ago"),
        (timedelta(minutes=44), "44 minutes ago"),
        (timedelta(minutes=50), "50 minutes ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(hours=30), "a day ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=30), "23 Oct 2026"),
        (timedelta(seconds=-2), "just now"),
    ],
)
def test_times_are_said_as_people_say_them(past, said):
    assert labels.ago(NOW - past, NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(-0.4, "0.0 s"), (0.83, "0.8 s"), (14.2, "14 s"), (190, "3 min"), (9000, "2 h")]
)
def test_durations(seconds, said):
    assert labels.duration(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("minutes", "said"), [(-5, "now"), (1, "in a minute"), (48, "in 48 minutes"), (120, "in 2 hours")]
)
def test_what_comes_next(minutes, said):
    assert labels.ahead(NOW + timedelta(minutes=minutes), NOW) == said

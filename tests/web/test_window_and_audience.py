"""The creative's page says when to run it, and whether its audience is large enough to be matched."""

import pytest

from manimod.extensions import db
from manimod.jobs import transaction
from tests.browser.filling import make_creative


@pytest.fixture
def creative(account):
    with transaction():
        creative = make_creative(account)
        db.session.add(creative)
    return creative


def page(as_owner, creative, size) -> str:
    with transaction():
        creative.audience_size = size
    return as_owner.get(f"/creatives/{creative.id}").get_data(as_text=True)


def test_the_window_is_said(as_owner, creative):
    assert f"{creative.run_until.day} {creative.run_until:%b %Y}" in page(as_owner, creative, None)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (1, "1 customer of this tier and value at the last sync. Matched audiences need more on Google (100)"),
        (500, "500 customers of this tier and value at the last sync. Matched audiences need more on TikTok (1,000)."),
        (5000, "5,000 customers of this tier and value at the last sync.</li>"),
    ],
)
def test_the_audience_is_held_against_the_platforms_minimum(as_owner, creative, size, said):
    assert said in page(as_owner, creative, size)


def test_an_audience_that_was_never_counted_is_not_guessed(as_owner, creative):
    assert "at the last sync" not in page(as_owner, creative, None)

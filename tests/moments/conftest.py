from collections.abc import Iterator

import pytest
from flask import Flask

from tests.delivering import connected, creatives, deliver, live, moments  # noqa: F401
from tests.stripe_lists import StripeLists


@pytest.fixture
def lists(app: Flask) -> Iterator[StripeLists]:
    """A Stripe whose lists the test writes, instead of the sandbox."""
    settings = app.extensions["settings"]
    before = settings.stripe_api_base
    with StripeLists() as stripe:
        object.__setattr__(settings, "stripe_api_base", stripe.url)
        yield stripe
    object.__setattr__(settings, "stripe_api_base", before)

from collections.abc import Callable

import pytest

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Connection, Creative
from tests import factories
from tests.browser.filling import make_creative


@pytest.fixture
def creative(account: Account) -> Creative:
    return _store(make_creative(account))


@pytest.fixture
def add_creative() -> Callable[..., Creative]:
    """A creative of an account: `add_creative(account, event="renewed")`."""
    return lambda account, *args, **kwargs: _store(make_creative(account, *args, **kwargs))


@pytest.fixture
def connection(account: Account) -> Connection:
    """The account is connected, without a call to Stripe."""
    return factories.make_connection(account)


def _store(creative: Creative) -> Creative:
    with transaction():
        db.session.add(creative)
    return creative

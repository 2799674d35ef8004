from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.stack import Stack
from tests.stripe_sandbox import Sandbox


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, sandbox_server: Sandbox) -> Iterator[Stack]:
    """mani running as a user runs it, shared by a module's tests; Stripe is the sandbox."""
    with Stack(tmp_path_factory.mktemp("stack") / "data", sandbox_server.url) as stack:
        yield stack

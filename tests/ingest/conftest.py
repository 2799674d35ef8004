from tests.clocks import clock  # noqa: F401
from tests.delivering import connected, creatives, deliver, live, moments  # noqa: F401
from tests.moments.conftest import lists  # noqa: F401

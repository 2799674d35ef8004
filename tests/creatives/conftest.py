from tests.delivering import connected, creatives, deliver, live, moments  # noqa: F401

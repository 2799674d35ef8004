"""Fixtures of the web tests, for those who attack the same pages."""

from tests.web.conftest import add_creative, connection, creative

__all__ = ["add_creative", "connection", "creative"]

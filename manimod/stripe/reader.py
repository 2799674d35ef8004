"""Reads untrusted answers: within a time, and of their JSON named fields, of the type that is expected."""

import io
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPResponse
from time import monotonic
from typing import Any

import orjson
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool

MAX_TIMESTAMP = 253_370_764_799  # the last second before the year 9999
MAX_TEXT_LENGTH = 255


@dataclass
class Reader:
    """Reads named fields of untrusted JSON, checks their types and remembers in `read` which ones it read."""

    data: Any
    path: str = ""
    read: set[str] = field(default_factory=set)

    def raw(self, name: str) -> Any:
        return self.data.get(name) if isinstance(self.data, dict) else None

    def inside(self, *names: str) -> "Reader":
        """The object in a field, or in a field of that, and so on."""
        reader = self
        for name in names:
            reader = Reader(reader.raw(name), f"{reader.path}{name}.", self.read)
        return reader

    def each(self, name: str) -> Iterator["Reader"]:
        """The members of a list, or of a Stripe list object (`{"data": [...]}`)."""
        members = self.raw(name)
        if isinstance(members, dict):
            members = members.get("data")
        for member in members if isinstance(members, list) else ():
            yield Reader(member, f"{self.path}{name}[].", self.read)

    def value(self, name: str, kind: type) -> Any:
        """The field if it is of this type, else None."""
        value = self.raw(name)
        if type(value) is not kind:
            return None
        self.read.add(self.path + name)
        return value

    def text(self, name: str) -> str | None:
        """Text that every database and page can hold: no NUL, no lone surrogate, a bounded length."""
        text = self.value(name, str) or ""
        return text.encode("utf-8", "replace").decode().replace("\0", "")[:MAX_TEXT_LENGTH] or None

    def whole_text(self, name: str, longest: int) -> str | None:
        """Text that makes sense only as a whole: None if it is longer."""
        text = _storable(self.value(name, str) or "")
        return text if 0 < len(text) <= longest else None

    def texts(self, name: str, longest: int) -> list[str]:
        """The texts of a list that are not longer."""
        members = self.raw(name)
        if not isinstance(members, list):
            return []
        self.read.add(self.path + name)
        found = [_storable(text) for text in members[:100] if isinstance(text, str)]
        return [text for text in found if 0 < len(text) <= longest]

    def identifier(self, name: str) -> str | None:
        """The id of a reference, which may be expanded to the whole object. An id that is too long counts as none."""
        if isinstance(self.raw(name), dict):
            return self.inside(name).identifier("id")
        text = self.value(name, str) or ""
        return text if 0 < len(text) <= MAX_TEXT_LENGTH and text.isprintable() else None

    def word(self, name: str, longest: int) -> str | None:
        """One of Stripe's own words, such as a status. One that is longer than any of today's is cut for its column."""
        return (self.identifier(name) or "")[:longest] or None

    def number(self, name: str, maximum: int = 2**53) -> int | None:
        number = self.value(name, int)
        return number if number is not None and 0 <= number <= maximum else None

    def decimal(self, name: str) -> float | None:
        """A number as text, such as "0.05"."""
        text = self.text(name) or ""
        return float(text) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]+)?", text) else None

    def timestamp(self, name: str) -> int | None:
        """Unix seconds, up to the year 9999."""
        return self.number(name, MAX_TIMESTAMP)

    def time(self, name: str) -> int | None:
        """A time as text (RFC 3339), in whole Unix seconds."""
        try:
            seconds = int(datetime.fromisoformat(self.text(name) or "").timestamp())
        except (ValueError, OverflowError):
            return None
        return seconds if 0 <= seconds <= MAX_TIMESTAMP else None

    def flag(self, name: str) -> bool:
        return self.value(name, bool) is True


def _storable(text: str) -> str:
    """No NUL, no lone surrogate."""
    return text.encode("utf-8", "replace").decode().replace("\0", "").strip()


def count_values(data: Any) -> int:
    """How many values a JSON document holds. Not recursive: a stranger chooses how deep it is."""
    values, containers = [data], 0
    for value in values:  # which grows meanwhile
        if isinstance(value, dict):
            values += value.values()
            containers += 1
        elif isinstance(value, list):
            values += value
            containers += 1
    return len(values) - containers


def parse(body: bytes) -> Any:
    """Raises ValueError or RecursionError."""
    try:
        return orjson.loads(body)
    except ValueError:  # such as half of a surrogate pair, which a name may hold
        return json.loads(body)


class DeadlineAdapter(HTTPAdapter):
    """For a session of requests, whose timeout is one for each byte: here the whole answer has to arrive within it."""

    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*arguments, **named)
        pool.ConnectionCls = DeadlineHttps if pool.scheme == "https" else DeadlineHttp
        return pool


class DeadlineResponse(HTTPResponse):
    def __init__(self, connection: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(connection, *arguments, **named)
        self.fp = io.BufferedReader(DeadlineStream(self.fp.detach(), connection))


class DeadlineHttp(HTTPConnection):
    response_class = DeadlineResponse


class DeadlineHttps(HTTPSConnection):
    response_class = DeadlineResponse


class DeadlineStream(io.RawIOBase):
    """What is read from a socket; from now on, its timeout is one for all of it."""

    def __init__(self, stream: io.RawIOBase, connection: socket.socket) -> None:
        self._stream, self._connection = stream, connection
        self._ends = monotonic() + connection.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int | None:
        self._connection.settimeout(max(self._ends - monotonic(), 0.001))
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()

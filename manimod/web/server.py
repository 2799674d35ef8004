"""gunicorn's threaded worker, changed so that slow clients hold no threads. gunicorn.conf.py names it.

gunicorn gives a thread to each connection and reads the request there; its documentation asks for a buffering proxy
against slow clients (docs.gunicorn.org, "Deploying"). Here the poller reads, and a thread is taken once a request is
complete. What the client doesn't take of the response at once is sent by the poller, too.
"""

import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.util import close
from gunicorn.workers.gthread import TConn, ThreadWorker

CLIENT_TIMEOUT = 30.0  # seconds for a whole request, and for what is left of a response
MAX_REQUEST_BYTES = 4 * 1024**2  # above MAX_CONTENT_LENGTH in flask.toml: the application says what is too large
MAX_UNSENT_BYTES = 1024**2  # of a response; with more of it, an owner's export, the thread waits for the client
MAX_BUFFERED_BYTES = 64 * 1024**2  # for all clients that are waited for; beyond it the slowest has to go
RECEIVE_BYTES = 64 * 1024
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\nTransfer-Encoding:", re.IGNORECASE)
EXPECTS_CONTINUE = re.compile(rb"\r\nExpect:[ \t]*100-continue", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,8})[^\r\n]*\r\n", re.IGNORECASE)


class IncomingRequest:
    """The bytes of a request that have arrived. What is malformed counts as complete: gunicorn's parser refuses it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.is_waiting_for_continue = False
        self._searched = 0  # so far there is no end of the head, or of the next chunk's size
        self._end: int | None = None  # unknown until the head is here, or the last chunk
        self._is_chunked = False

    def add(self, received: bytes) -> None:
        self.data += received
        if self._end is None and not self._is_chunked:
            self._read_head()
        if self._is_chunked and self._end is None:
            self._read_chunks()

    @property
    def is_complete(self) -> bool:
        return self._end is not None and len(self.data) >= self._end

    @property
    def is_too_long(self) -> bool:
        return max(len(self.data), self._end or 0) > MAX_REQUEST_BYTES

    def _read_head(self) -> None:
        head_end = self.data.find(HEAD_END, self._searched)
        if head_end < 0:
            self._searched = max(0, len(self.data) - len(HEAD_END))
            return
        head = self.data[: head_end + 2]
        body_start = self._searched = head_end + len(HEAD_END)
        self._is_chunked = CHUNKED.search(head) is not None
        if not self._is_chunked:
            length = CONTENT_LENGTH.search(head)
            self._end = body_start + int(length[1] if length else 0)
        self.is_waiting_for_continue = EXPECTS_CONTINUE.search(head) is not None

    def _read_chunks(self) -> None:
        """RFC 9112, section 7.1."""
        while (line_end := self.data.find(b"\r\n", self._searched)) >= 0:
            size = CHUNK_SIZE.match(self.data, self._searched)
            if size is None:
                self._end = len(self.data)
                return
            if int(size[1], 16) == 0:
                trailers_end = self.data.find(HEAD_END, line_end)
                self._end = trailers_end + len(HEAD_END) if trailers_end >= 0 else None
                return
            self._searched = line_end + 2 + int(size[1], 16) + 2


class ClientSocket(socket.socket):
    """Sends without waiting; what the client doesn't take yet is `unsent`."""

    unsent: bytearray

    def sendall(self, data: bytes, _flags: int = 0) -> None:
        self.unsent += data
        self.send_more()
        if len(self.unsent) > MAX_UNSENT_BYTES:
            self.settimeout(CLIENT_TIMEOUT)
            super().sendall(self.unsent)
            self.unsent.clear()

    def send_more(self) -> bool:
        """Whether nothing is left."""
        with suppress(BlockingIOError):
            while self.unsent:
                del self.unsent[: self.send(self.unsent, socket.MSG_DONTWAIT)]
        return not self.unsent


class ClientConnection(TConn):
    """A client, with the request that it is sending or that is being answered."""

    request: IncomingRequest

    def __init__(self, cfg: Any, accepted: socket.socket, client: Any, server: Any) -> None:
        kind = accepted.family, accepted.type, accepted.proto
        super().__init__(cfg, ClientSocket(*kind, accepted.detach()), client, server)
        self.sock.unsent = bytearray()

    def receive(self) -> bool:
        """Whether the request can be answered now. Raises OSError where the client has gone."""
        with suppress(BlockingIOError):
            while not (self.request.is_complete or self.request.is_too_long):
                received = self.sock.recv(RECEIVE_BYTES, socket.MSG_DONTWAIT)
                if not received:
                    raise ConnectionResetError
                self.request.add(received)
                if self.request.is_waiting_for_continue and not self.request.is_complete:
                    self.request.is_waiting_for_continue = False
                    self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self.request.is_complete or self.request.is_too_long

    def discard(self) -> bool:
        """Whether the client has read the response and hung up: an earlier end would take the response from it."""
        with suppress(BlockingIOError):
            while self.sock.recv(RECEIVE_BYTES, socket.MSG_DONTWAIT):
                pass
            return True
        return False

    def close(self, graceful: bool = False) -> None:
        """Without gunicorn's wait for the client to hang up."""
        close(self.sock)


class BufferingWorker(ThreadWorker):
    """A connection is in the poller while mani waits for its client, and has a thread while the application works.

    `pending_conns` is gunicorn's list of those that are waited for, the longest first.
    """

    client_timeout = CLIENT_TIMEOUT

    def accept(self, listener: Any) -> None:
        with suppress(BlockingIOError, ConnectionAbortedError):
            accepted, client = listener.accept()
            self.nr_conns += 1
            self.enqueue_req(ClientConnection(self.cfg, accepted, client, listener.getsockname()))

    def enqueue_req(self, conn: ClientConnection) -> None:
        """For a new connection, and for one that was kept alive and has sent something."""
        conn.request = IncomingRequest()
        if conn.parser and (received := conn.parser.unreader.take_buffered()):
            conn.request.add(received)
        self._wait(conn, EVENT_READ, conn.receive, partial(self._answer, conn))

    def _answer(self, conn: ClientConnection) -> None:
        conn.parser = RequestParser(self.cfg, [bytes(conn.request.data)], conn.client)
        conn.initialized = True
        super().enqueue_req(conn)

    def handle_request(self, req: Request, conn: ClientConnection) -> bool:
        """In a thread."""
        if not conn.request.is_complete:
            req.force_close()
        return super().handle_request(req, conn)

    def finish_request(self, conn: ClientConnection, fs: Future) -> None:
        """In the poller, when the thread is done."""
        self._wait(conn, EVENT_WRITE, conn.sock.send_more, partial(self._keep_or_close, conn, fs))

    def _keep_or_close(self, conn: ClientConnection, fs: Future) -> None:
        if conn.request.is_complete:
            super().finish_request(conn, fs)
        else:
            with suppress(OSError):  # where the client has gone, `discard` notices
                conn.sock.shutdown(socket.SHUT_WR)
            self._wait(conn, EVENT_READ, conn.discard, partial(self._close, conn))

    def _wait(self, conn: ClientConnection, event: int, step: Callable, done: Callable) -> None:
        """Take the step whenever the client is ready for it, until it returns True. Then it is done."""
        try:
            is_done = step()
        except OSError:
            self._close(conn)
            return
        if is_done:
            done()
            return
        conn.timeout = time.monotonic() + self.client_timeout
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, event, partial(self._continue, conn, step, done))

    def _continue(self, conn: ClientConnection, step: Callable, done: Callable, _sock: socket.socket) -> None:
        if conn.sock.fileno() < 0:  # closed a moment ago, to make room
            return
        try:
            is_done = step()
        except OSError:
            self._drop(conn)
            return
        if is_done:
            self.poller.unregister(conn.sock)
            self.pending_conns.remove(conn)
            done()

    def murder_pending(self) -> None:
        """In each turn of the poller: who is too slow has to go, and the slowest where there is no room."""
        super().murder_pending()
        while self.pending_conns and self._is_full():
            self._drop(self.pending_conns[0])

    def _is_full(self) -> bool:
        buffered = sum(len(conn.request.data) + len(conn.sock.unsent) for conn in self.pending_conns)
        return buffered > MAX_BUFFERED_BYTES or self.nr_conns >= self.worker_connections

    def _cap_keepalive(self, deadline: float) -> None:
        """At the stop."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def _drop(self, conn: ClientConnection) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)
        self._close(conn)

    def _close(self, conn: ClientConnection) -> None:
        self.nr_conns -= 1
        conn.close()

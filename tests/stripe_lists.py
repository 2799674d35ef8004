"""A Stripe that answers with exactly the lists it is given, at the time it is given."""

import json
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


def page(objects: list[dict], query: dict[str, list[str]]) -> dict:
    """What Stripe lists of the objects, which are in its order: with the filters that mani uses, a page at a time."""
    fits = []
    for body in objects:
        item = next(iter(body.get("items", {}).get("data", [])), {})
        wanted = True
        for name, (value,) in query.items():
            field, _, bound = name.partition("[")
            found = body.get(field, item.get(field))
            if bound == "gte]":
                wanted = wanted and found is not None and found >= int(value)
            elif bound == "lte]":
                wanted = wanted and found is not None and found <= int(value)
            elif name == "status" and value != "all":
                wanted = wanted and found == value
        if wanted:
            fits.append(body)
    after = query.get("starting_after", [None])[0]
    begin = next((place + 1 for place, body in enumerate(fits) if body["id"] == after), 0)
    end = begin + int(query.get("limit", ["10"])[0])
    return {"data": fits[begin:end], "has_more": end < len(fits)}


class StripeLists:
    """`lists` has the objects of each list by its path, such as "/v1/customers"; every other list is empty.

    `at` is the time by Stripe's clock, Unix seconds. Of `refused` lists the key may not read anything.
    """

    def __init__(self) -> None:
        self.lists: dict[str, list[dict]] = {}
        self.refused: set[str] = {"/v1/events", "/v1/invoices"}
        self.account: dict = {"id": "acct_test", "object": "account"}
        self.at = int(time.time())
        self.fails = False  # whether every answer is a 500
        self.is_busy = False  # whether every answer is a 429
        self.requests: list[str] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self._server = server

    def __enter__(self) -> "StripeLists":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, address: str) -> tuple[int, dict]:
        path = urlsplit(address).path
        self.requests.append(address)
        if self.is_busy:
            return 429, {"error": {"message": "Too many requests."}}
        if self.fails:
            return 500, {"error": {"message": "An error occurred on our end."}}
        if any(path == refused or path.startswith(f"{refused}/") for refused in self.refused):
            return 403, {"error": {"message": "The provided key does not have the required permissions."}}
        if path == "/v1/account":
            return 200, self.account
        parent, _, last = path.rpartition("/")
        if parent != "/v1":
            found = [body for body in self.lists.get(parent, []) if body["id"] == last]
            missing = 404, {"error": {"code": "resource_missing", "message": "No such object"}}
            return (200, found[0]) if found else missing
        return 200, {"object": "list"} | page(self.lists.get(path, []), parse_qs(urlsplit(address).query))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        lists = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = lists.answer(self.path)
                content = json.dumps(body).encode()
                self.send_response_only(status)
                self.send_header("Date", formatdate(lists.at, usegmt=True))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_words: object) -> None:
                pass

        return Handler

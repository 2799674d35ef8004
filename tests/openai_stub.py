"""A stand-in for an OpenAI-compatible service on 127.0.0.1, which the real client talks to.

It plays its `answers` in order, the last one for ever; each is a function of the request's body that returns (status,
headers, body), and most are made by the functions below. What it was sent is in `requests`.
"""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[dict], tuple[int, dict[str, str], bytes]]

# Lines of five ads that share few words.
ADS = [
    {
        "headline": ["Ten quiet minutes with {fact}", "A short beginning: {fact}", "A short beginning with {brand}"],
        "body": [
            "Pick one task and finish it. {tier} also has {fact}.",
            "A modest beginning carries the whole week: {fact} on {tier}.",
            "A modest beginning with {brand} carries the whole week.",
        ],
    },
    {
        "headline": [
            "There is another room in {tier}",
            "Somewhere to look: {fact}",
            "There is another room in {brand}",
        ],
        "body": [
            "Useful things sit close together in {tier}, such as {fact}.",
            "Explore {tier} without haste and find {fact}.",
            "Explore {brand} without haste.",
        ],
    },
    {
        "headline": [
            "Something in {tier} for a rainy day: {fact}",
            "Rainy days are for {fact}",
            "{brand} on a rainy day",
        ],
        "body": [
            "On a rainy day, {tier} has {fact} in store.",
            "Rain or shine: {fact} in {tier}.",
            "Rain or shine, there is {brand}.",
        ],
    },
    {
        "headline": ["Breathing space in {tier}", "Slow weeks are welcome in {tier}"],
        "body": [
            "Some seasons are crowded. {tier} has {fact} for those.",
            "Between two busy seasons there is {fact} in {tier}.",
        ],
    },
    {
        "headline": ["Terms for {tier}", "Everything about {tier} written down in daylight"],
        "body": [
            "Ordinary words explain {tier} and {fact}.",
            "Compare calmly: {tier} explained on half a page, with {fact}.",
        ],
    },
]


class OpenAiStub:
    """Use it with `with`; `base_url` is what LLM_BASE_URL would be."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[dict] = []
        self.keys: list[str | None] = []
        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def __enter__(self) -> "OpenAiStub":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def sent(self) -> str:
        """Everything that was sent, as one text."""
        return json.dumps(self.requests, ensure_ascii=False)

    def _handler(stub) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                turn = min(len(stub.requests), len(stub.answers) - 1)
                stub.requests.append(request)
                stub.keys.append(self.headers["Authorization"])
                status, headers, body = stub.answers[turn](request)
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle(self) -> None:
                try:
                    super().handle()
                except ConnectionError:  # the client has hung up
                    return

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler


def ads(request: dict) -> dict:
    """Good lines for every angle that the request's schema asks for."""
    schema = request["response_format"]["json_schema"]["schema"]
    return {
        angle: {kind: list(lines) for kind, lines in ad.items()}
        for angle, ad in zip(schema["required"], ADS, strict=False)
    }


def well(change: Callable[[dict], object] = lambda ads: None) -> Answer:
    """A proper answer with good lines, after `change` has had its way with them."""

    def answer(request: dict) -> tuple[int, dict[str, str], bytes]:
        written = ads(request)
        change(written)
        return completion(request, json.dumps(written))

    return answer


def said(text: str) -> Answer:
    """An answer as this very text: a refusal, or whatever else keeps to no schema."""
    return lambda request: completion(request, text)


def status(code: int, headers: dict[str, str] | None = None) -> Answer:
    return lambda request: (code, headers or {}, json.dumps({"error": {"message": "no", "code": None}}).encode())


def body(content: bytes, headers: dict[str, str] | None = None) -> Answer:
    return lambda request: (200, headers or {}, content)


def slowly(seconds: float, answer: Answer) -> Answer:
    def late(request: dict) -> tuple[int, dict[str, str], bytes]:
        time.sleep(seconds)
        return answer(request)

    return late


def completion(request: dict, text: str) -> tuple[int, dict[str, str], bytes]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 900, "completion_tokens": 700, "total_tokens": 1600}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": request["model"], "usage": usage}
    return 200, {}, json.dumps({**whole, "choices": [choice]}).encode()

"""What an attacker, a broken proxy or a bad day may send: strategies of hypothesis, and how often to draw from them.

In the suite each surface gets a few seeded inputs. `make fuzz` sets FUZZ_INPUTS (of all surfaces together) and prints
a summary; FUZZ_SEED repeats a run.
"""

import io
import json
import os
from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from tests import stripe_events

SEED = int(os.environ.get("FUZZ_SEED", "20260101"))
INPUTS = int(os.environ.get("FUZZ_INPUTS", "0"))
DONE: Counter = Counter()  # what each surface was sent and answered, for the summary


def fuzz(surface: str, share: float, short: int, **strategies: st.SearchStrategy) -> Callable:
    """Run the decorated check on `short` drawn inputs, or on its share of FUZZ_INPUTS."""
    inputs = max(int(INPUTS * share), short)
    explained = settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=(Phase.generate,) if INPUTS else (Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )

    def decorate(check: Callable) -> Callable:
        def counted(**drawn: object) -> None:
            DONE[surface, check(**drawn)] += 1

        return seed(SEED)(explained(given(**strategies)(counted)))

    return decorate


# --- values ----------------------------------------------------------------------------------------------------------

NASTY = (
    "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "\u202e\u2066abc", "\ufeff", "é" * 300, "A" * 5000, "%s%n{0}{x!r}",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}{% raw %}", "${jndi:ldap://x}",
    "' OR 1=1 --", "../../../../etc/passwd", "=cmd|' /C calc'!A0", "@SUM(1)", "\r\nSet-Cookie: x=1",
    "javascript:alert(1)", "http://[::1", "https://a:b@c:99999/", "//evil.example", "/\\evil.example", "9" * 30,
    "__proto__", "constructor", "null", "NaN", "-1", "1e999", "9" * 400, "😀" * 100, "\u0338" * 200, "0x1p3", "٣", "²",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63), 10**400, 253_370_764_799, 253_370_764_800, 1.5, 1e308)
texts = st.sampled_from(NASTY) | st.text(max_size=60)
leaves = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.integers() | st.floats() | texts
names = st.sampled_from(("id", "object", "data", "__proto__", "constructor", "name", "\0", "", "period")) | texts
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)

# --- events ----------------------------------------------------------------------------------------------------------

BODIES = (
    ("customer.created", stripe_events.customer),
    ("customer.updated", stripe_events.customer),
    ("customer.deleted", stripe_events.customer),
    ("customer.subscription.created", stripe_events.subscription),
    ("customer.subscription.updated", stripe_events.subscription),
    ("customer.subscription.deleted", stripe_events.subscription),
    ("invoice.paid", lambda: stripe_events.invoice("in_1")),
    ("invoice.payment_failed", lambda: stripe_events.invoice("in_2")),
)


def places(value: object, way: tuple = ()) -> list[tuple]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, member in members for place in [(*way, key), *places(member, (*way, key))]]


@st.composite
def damaged(draw: st.DrawFn, document: object) -> object:
    """The document with one to four of its values replaced, dropped or joined by others."""
    document = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 4))):
        where = draw(st.sampled_from(places(document) or [()]))
        holder = document
        for key in where[:-1]:
            holder = holder[key]
        if not where or not isinstance(holder, (dict, list)):
            return draw(values)
        kind = draw(st.sampled_from(("replace", "replace", "replace", "drop", "add")))
        if kind == "drop":
            del holder[where[-1]]
        elif kind == "add" and isinstance(holder, dict):
            holder[draw(names)] = draw(values)
        else:
            holder[where[-1]] = draw(values)
    return document


@st.composite
def events(draw: st.DrawFn) -> object:
    kind, body = draw(st.sampled_from(BODIES))
    whole = stripe_events.event(kind, body())
    if draw(st.integers(0, 9)):  # mostly the envelope is whole, so that the damage gets past the door
        return whole | {"data": draw(damaged(whole["data"])), "livemode": draw(st.booleans() | values)}
    return draw(damaged(whole) | values)


RAW = (
    b"", b"null", b"[]", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"{" * 3000, b"[" * 200_000,
    b'{"a":' * 100_000 + b"1",
    b'{"id":"evt_d","id":"evt_e","type":"customer.created","type":["x"],"created":1,"created":1e400}',
    b'{"id":"evt_n","type":"invoice.paid","created":1,"livemode":NaN,"data":{"object":-Infinity}}',
    b'{"id":"evt_m","type":"customer.created","created":1,"data":{"object":{"id":"cus_m","name":"'
    + b"x" * 1_000_000 + b'"}}}',
    b'{"id":"evt_w","type":"customer.created","created":1,"data":{"object":{"id":"cus_w","name":"\\ud800\\u0000"}}}',
    b'{"id":"evt_i","type":"customer.created","created":' + b"9" * 5000 + b"}",
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A webhook's body: mostly JSON of a damaged event, sometimes cut off, in another encoding, or no JSON at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(RAW) | st.binary(max_size=200))
    text = json.dumps(draw(events()), ensure_ascii=draw(st.booleans()))
    body = text.encode("utf-8", "surrogatepass")
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 19)) == 0 else body


# --- answers of Stripe's lists ---------------------------------------------------------------------------------------


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """What a list answers: a damaged list, a list that is none, or no JSON. Its next page is empty."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.sampled_from(RAW))
    body = draw(st.sampled_from([made for _, made in BODIES]))()
    listed = {"object": "list", "has_more": draw(st.booleans()), "url": "/v1/x", "data": [body, body | {"id": "x_2"}]}
    return json.dumps(draw(damaged(listed)) if kind > 1 else draw(values)).encode("utf-8", "surrogatepass")


# --- logos -----------------------------------------------------------------------------------------------------------


def picture(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


PICTURES = (
    *(picture(kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "ICO")),
    *(picture("PNG", mode=mode) for mode in ("1", "L", "LA", "P", "RGBA", "I;16")),
    picture("JPEG", mode="CMYK"),
    b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
)


@st.composite
def uploads(draw: st.DrawFn) -> bytes:
    """A picture with bytes changed, cut off, appended or moved; or bytes that are none."""
    data = bytearray(draw(st.sampled_from(PICTURES)))
    for _ in range(draw(st.integers(0, 6))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    end = draw(st.integers(0, len(data)) | st.just(len(data)))
    return bytes(data[:end]) + draw(
        st.just(b"") | st.binary(max_size=40) | st.sampled_from((b"<script>", b"PK\x03\x04"))
    )

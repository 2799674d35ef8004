"""Logos and pictures of products, uploaded or fetched -> bytes of mani's own encoding. Nothing of the file is kept."""

import contextlib
import http.client
import io
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import urljoin, urlsplit

import structlog
from PIL import Image, ImageOps
from sqlalchemy import or_, select, update

from manimod import jobs
from manimod.config import settings
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import UPLOAD, Connection, Tier
from manimod.models.accounts import now

log = structlog.get_logger()

MEGABYTE = 1024 * 1024
MAX_UPLOAD_BYTES = 2 * MEGABYTE
MAX_FETCHED_BYTES = 8 * MEGABYTE
MAX_SIDE = 4096  # pixels, of what comes in
STORED_SIDE = 512  # pixels; a picture shows a logo at a fraction of that
STORED_PICTURE_SIDE = 1200
SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "WEBP": b"RIFF"}
FETCH_SECONDS, MAX_REDIRECTS = 15, 3
HTTPS_PORT = 443
MAX_TIERS_WITH_PICTURE = 10  # of an account, of those that Stripe has pictures of
RETRY_DELAY = 24 * 3600  # seconds; for an address that gave no picture


def read_logo(data: bytes) -> bytes:
    """The logo as a small PNG. Raises LOGO_MISSING, _TOO_LARGE, _SVG, _FORMAT, _TOO_WIDE or _UNREADABLE."""
    if not data:
        raise ManimodError("LOGO_MISSING")
    if len(data) > MAX_UPLOAD_BYTES:
        raise ManimodError("LOGO_TOO_LARGE")
    return _encode(_decode(data), STORED_SIDE, "PNG")


def read_picture(data: bytes, most: int = MAX_UPLOAD_BYTES) -> bytes:
    """A product's picture as a JPEG, or as a PNG where parts of it are transparent. Raises LOGO_MISSING,
    PICTURE_TOO_LARGE, or LOGO_SVG, _FORMAT, _TOO_WIDE or _UNREADABLE."""
    if not data:
        raise ManimodError("LOGO_MISSING")
    if len(data) > most:
        raise ManimodError("PICTURE_TOO_LARGE", limit=most // MEGABYTE)
    picture = _decode(data)
    is_opaque = picture.getchannel("A").getextrema()[0] == 255
    return _encode(picture, STORED_PICTURE_SIDE, "JPEG" if is_opaque else "PNG")


def _decode(data: bytes) -> Image.Image:
    """The picture upright, in RGBA, its size checked before a single pixel is decoded."""
    kind = next((kind for kind, signature in SIGNATURES.items() if data.startswith(signature)), None)
    if kind is None:
        start = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        is_svg = b"<svg" in start or start.startswith((b"<?xml", b"\x1f\x8b"))
        raise ManimodError("LOGO_SVG" if is_svg else "LOGO_FORMAT")
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
            if max(picture.size) > MAX_SIDE:
                raise ManimodError("LOGO_TOO_WIDE", width=picture.width, height=picture.height)
            return ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError, SyntaxError, EOFError, zlib.error, Image.DecompressionBombError):
        raise ManimodError("LOGO_UNREADABLE") from None


def _encode(picture: Image.Image, side: int, kind: str) -> bytes:
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    mode = "RGBA" if kind == "PNG" else "RGB"
    pixels = Image.new(mode, picture.size)
    pixels.paste(picture.convert(mode))  # a new picture has none of the old one's comments and profiles
    out = io.BytesIO()
    pixels.save(out, kind, optimize=True, quality=88)
    return out.getvalue()


def is_public(address: str, port: int) -> bool:
    """Whether a server on the open internet answers there: neither this machine nor its own network."""
    ip = ipaddress.ip_address(address)
    hidden = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if ip in ipaddress.ip_network("64:ff9b::/96"):  # IPv4 behind NAT64 (RFC 6052)
        hidden = ipaddress.ip_address(int(ip) & 0xFFFFFFFF)
    return port == HTTPS_PORT and all(one.is_global and not one.is_multicast for one in (ip, hidden or ip))


def fetch_picture(
    url: str, is_allowed: Callable[[str, int], bool] = is_public, tls: ssl.SSLContext | None = None
) -> bytes:
    """The picture at a https address, as `read_picture` gives it. Connects to nothing that `is_allowed` refuses, which
    is asked for the address and port of each redirect, too. Raises PICTURE_ADDRESS, PICTURE_UNREACHABLE, or whatever
    `read_picture` raises."""
    deadline = time.monotonic() + FETCH_SECONDS
    tls = tls or ssl.create_default_context()
    for _ in range(MAX_REDIRECTS + 1):
        try:
            answer = _get(url, is_allowed, tls, deadline)
        except (OSError, ValueError, http.client.HTTPException):
            raise ManimodError("PICTURE_UNREACHABLE") from None
        if answer == b"":
            break
        if isinstance(answer, bytes):
            return read_picture(answer, MAX_FETCHED_BYTES)
        url = answer
    raise ManimodError("PICTURE_UNREACHABLE")


def _get(url: str, is_allowed: Callable[[str, int], bool], tls: ssl.SSLContext, deadline: float) -> bytes | str:
    """The body, or the address that a redirect leads to. The connection goes to the very IP address that was checked,
    so that a second look-up of the name cannot lead elsewhere."""
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port or HTTPS_PORT
    if parts.scheme != "https" or not host or parts.username is not None:
        raise ManimodError("PICTURE_ADDRESS")
    found = _look_up(host, port, deadline)
    if not all(is_allowed(address, port) for address in found):
        raise ManimodError("PICTURE_ADDRESS")
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection = http.client.HTTPSConnection(host, port, context=tls)
    raw = socket.create_connection((min(found), port), timeout=left)
    connection.sock = tls.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
    timer = threading.Timer(deadline - time.monotonic(), _hang_up, [connection.sock])
    timer.daemon = True
    timer.start()
    try:
        connection.sock.do_handshake()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"Accept": "image/png,image/jpeg,image/webp"})
        response = connection.getresponse()
        if response.status in (301, 302, 303, 307, 308) and response.headers["Location"]:
            return urljoin(url, response.headers["Location"])
        if response.status != 200:
            raise ManimodError("PICTURE_UNREACHABLE")
        if int(response.headers["Content-Length"] or 0) > MAX_FETCHED_BYTES:
            raise ManimodError("PICTURE_TOO_LARGE", limit=MAX_FETCHED_BYTES // MEGABYTE)
        body = response.read(MAX_FETCHED_BYTES + 1)
        if time.monotonic() >= deadline:  # what there is was cut off
            raise TimeoutError
        return body
    finally:
        timer.cancel()
        connection.close()


def _look_up(host: str, port: int, deadline: float) -> set[str]:
    """The addresses of a name. The system's look-up has no time limit, so it has a thread of its own, which is left
    behind when the name server doesn't answer in time."""
    found: set[str] = set()

    def ask() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found.update(entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(max(0, deadline - time.monotonic()))
    if not found:
        raise TimeoutError
    return set(found)


def _hang_up(connection: ssl.SSLSocket) -> None:
    """Ends a connection that another thread reads from; a server that sends a byte now and then would keep a timeout of
    the socket waiting for ever."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def find_due(connection_id: int) -> list[tuple[int, str | None]]:
    """(tier, address) of the pictures that Stripe's products show and that are not fetched yet; an owner's own upload
    stays. Without an address: Stripe shows none any more."""
    connection, due = db.session.get(Connection, connection_id), []
    if connection is None or not connection.is_connected or not settings().fetches_pictures:
        return due
    query = select(Tier.id, Tier.images, Tier.picture_from).filter_by(connection_id=connection_id, is_sold=True)
    rows = [row for row in db.session.execute(query.order_by(Tier.id)) if row.images or row.picture_from]
    for tier_id, addresses, picture_from in rows[:MAX_TIERS_WITH_PICTURE]:
        address = addresses[0] if addresses else None
        if picture_from not in (UPLOAD, address) and not jobs.is_paused(_failed_key(tier_id, address), RETRY_DELAY):
            due.append((tier_id, address))
    return due


def fetch_pictures(
    connection_id: int, is_allowed: Callable[[str, int], bool] = is_public, tls: ssl.SSLContext | None = None
) -> None:
    """Fetch what is due. What fails is tried again with a sync after RETRY_DELAY; the tiers page says why."""
    for tier_id, address in find_due(connection_id):
        db.session.commit()  # no transaction stays open meanwhile
        stored = {"picture": None, "picture_from": address, "picture_at": None, "picture_error": None}
        try:
            if address:
                stored |= {"picture": fetch_picture(address, is_allowed, tls), "picture_at": now()}
        except ManimodError as failure:
            log.warning("picture_not_fetched", connection=connection_id, tier=tier_id, code=failure.code)
            jobs.pause(_failed_key(tier_id, address), RETRY_DELAY)
            stored = {"picture_error": failure.code}
        with jobs.transaction():
            is_not_uploaded = or_(Tier.picture_from.is_(None), Tier.picture_from != UPLOAD)
            tier = update(Tier).filter_by(id=tier_id, connection_id=connection_id).where(is_not_uploaded)
            db.session.execute(tier.values(stored))


def _failed_key(tier_id: int, address: str | None) -> str:
    return f"mani:picture:{tier_id}:{sha256((address or '').encode()).hexdigest()[:16]}"

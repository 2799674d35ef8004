"""Styles, scripts and icons under addresses that carry a hash of their content, so that browsers keep them for good.

Bootstrap, its icons, htmx and the font come out of installed wheels; no file of theirs is part of this repository.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import uharfbuzz
from flask import Blueprint, Response, abort, make_response, request, url_for

from manimod.web.headers import takes_gzip

STATIC = Path(__file__).parents[2] / "static"
BOOTSTRAP = files("flask_bootstrap") / "static" / "bootstrap5"
SOURCES = {
    "bootstrap.css": (BOOTSTRAP / "css" / "bootstrap.min.css", "text/css"),
    "htmx.js": (files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js", "text/javascript"),
    "mani.css": (STATIC / "mani.css", "text/css"),
    "mani.js": (STATIC / "mani.js", "text/javascript"),
    "theme.js": (STATIC / "theme.js", "text/javascript"),
    "favicon.svg": (STATIC / "favicon.svg", "image/svg+xml"),
    "inter.ttf": (files("fontpkg_inter") / "files" / "Inter[opsz,wght].ttf", "font/ttf"),
    "icons.svg": (BOOTSTRAP / "icons" / "bootstrap-icons.svg", "image/svg+xml"),
}
# The wheel's sprite holds 2,000 icons in a megabyte; the pages are served these only.
ICONS = [
    "arrow-counterclockwise",
    "arrow-left",
    "arrow-repeat",
    "arrow-right",
    "box-arrow-right",
    "check-circle-fill",
    "check-lg",
    "circle",
    "clipboard",
    "credit-card-2-front",
    "dash-circle",
    "download",
    "exclamation-circle-fill",
    "exclamation-triangle-fill",
    "gear",
    "grid-1x2",
    "images",
    "inbox",
    "key",
    "hourglass-split",
    "lock",
    "people",
    "x-circle-fill",
    "search",
    "person-circle",
    "plug",
    "question-circle",
    "shield-check",
    "stars",
    "wifi-off",
    "x-lg",
]
# Latin with its accents, and the dashes, quotes, arrows and signs that texts use.
LETTERS = ((0x20, 0x7E), (0xA0, 0x17F), (0x2010, 0x2030), (0x2039, 0x203A), (0x20AC, 0x20AC), (0x2190, 0x2193))

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True)
class Asset:
    body: bytes
    packed: bytes
    mimetype: str
    digest: str


@cache
def asset(name: str) -> Asset:
    source, mimetype = SOURCES[name]
    body = source.read_bytes()
    if name in PREPARED:
        body = PREPARED[name](body)
    return Asset(body, gzip.compress(body, mtime=0), mimetype, hashlib.sha256(body).hexdigest()[:12])


@blueprint.app_template_global()
def asset_url(name: str) -> str:
    return url_for("assets.serve", digest=asset(name).digest, name=name)


@blueprint.get("/assets/<digest>/<name>")
def serve(digest: str, name: str) -> Response:
    if name not in SOURCES:
        abort(404)
    found = asset(name)
    packed = takes_gzip()
    response = make_response(found.packed if packed else found.body)
    response.mimetype = found.mimetype
    response.vary.add("Accept-Encoding")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    # A page from before an update asks with the old hash: it gets today's file, but must not keep it.
    fresh = digest == found.digest
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if fresh else "no-cache"
    response.set_etag(found.digest, weak=True)
    return response.make_conditional(request)


def _pick_icons(sprite: bytes) -> bytes:
    pattern = r'<symbol class="[^"]*" viewBox="0 0 16 16" id="([^"]+)">(.*?)</symbol>'
    symbols = dict(re.findall(pattern, sprite.decode(), re.S))
    picked = (f'<symbol viewBox="0 0 16 16" id="{name}">{symbols[name]}</symbol>' for name in ICONS)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(picked)}</svg>'.encode()


def _pick_letters(font: bytes) -> bytes:
    """Latin letters and the weights that the pages use: 40 kB compressed instead of 400. Others fall back."""
    face = uharfbuzz.Face(font)
    wanted = uharfbuzz.SubsetInput()
    wanted.pin_axis_to_default(face, "opsz")
    wanted.set_axis_range(face, "wght", 400, 700, 400)
    for first, last in LETTERS:
        wanted.unicode_set.update(range(first, last + 1))
    return wanted.subset(face).blob.data


def _name_the_font(styles: bytes) -> bytes:
    return styles.replace(b"inter.ttf", f"../{asset('inter.ttf').digest}/inter.ttf".encode())


PREPARED = {"icons.svg": _pick_icons, "inter.ttf": _pick_letters, "mani.css": _name_the_font}

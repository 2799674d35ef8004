"""Styles, scripts, icons and the font under addresses that carry a hash of their content, so that browsers keep them.

Bootstrap, its icons, htmx and the font come from installed wheels; no file of theirs is part of this repository.
"""

import hashlib
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, abort, url_for

STATIC = Path(__file__).parents[2] / "static"
TEMPLATES = STATIC.with_name("templates")
BOOTSTRAP = files("flask_bootstrap") / "static" / "bootstrap5"
SOURCES = {
    "bootstrap.css": BOOTSTRAP / "css" / "bootstrap.min.css",
    "popper.js": BOOTSTRAP / "umd" / "popper.min.js",
    "bootstrap.js": BOOTSTRAP / "js" / "bootstrap.min.js",
    "htmx.js": files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js",
    "inter.ttf": files("fontpkg_inter") / "files" / "Inter[opsz,wght].ttf",
    "icons.svg": BOOTSTRAP / "icons" / "bootstrap-icons.svg",
}
SOURCES |= {path.name: path for path in STATIC.iterdir()}
SOURCES["mani-without-font.css"] = SOURCES["mani.css"]  # for a page that may fetch nothing
MIMETYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "ttf": "font/ttf"}
blueprint = Blueprint("assets", __name__)


@cache
def load(name: str) -> tuple[bytes, str]:
    """An asset's content and the hash of it."""
    content = SOURCES[name].read_bytes()
    if name == "icons.svg":
        # The wheel's sprite holds 2,000 icons in a megabyte; the pages get those that a template names.
        symbols = dict(re.findall(r'<symbol[^>]* id="([^"]+)">(.*?)</symbol>', content.decode(), re.DOTALL))
        templates = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html"))
        sprite = '<svg xmlns="http://www.w3.org/2000/svg">'
        for icon in sorted(symbols.keys() & set(re.findall(r'"([a-z0-9-]+)"', templates))):
            sprite += f'<symbol viewBox="0 0 16 16" id="{icon}">{symbols[icon]}</symbol>'
        content = f"{sprite}</svg>".encode()
    elif name == "mani.css":
        content = content.replace(b"inter.ttf", f"../{load('inter.ttf')[1]}/inter.ttf".encode())
    elif name == "mani-without-font.css":
        content = re.sub(rb"@font-face .*\n", b"", content)
    return content, hashlib.sha256(content).hexdigest()[:12]


@blueprint.app_template_global()
def asset_url(name: str) -> str:
    return url_for("assets.serve", digest=load(name)[1], name=name)


@blueprint.get("/assets/<digest>/<name>")
def serve(digest: str, name: str) -> Response:
    if name not in SOURCES:
        abort(404)
    content, current_digest = load(name)
    # A page from before an update asks with the old hash. It gets today's file, but must not keep it.
    keep = "public, max-age=31536000, immutable" if digest == current_digest else "no-cache"
    return Response(content, headers={"Cache-Control": keep}, mimetype=MIMETYPES[name.rpartition(".")[2]])

"""Pictures as answers: an SVG or PNG that can do nothing, kept by browsers as long as its address names its version."""

from collections.abc import Callable

from flask import Response, make_response, request

from manimod.creatives.engine.picture.text_layout import PictureRefused

PICTURE_POLICY = "default-src 'none'; img-src data:; style-src 'none'"
MIMETYPES = {"svg": "image/svg+xml", "png": "image/png"}


def versioned(draw: Callable[[], str | bytes], kind: str, version: str) -> Response:
    """The picture, not drawn again for a browser that has this version of it."""
    if request.if_none_match.contains_weak(version):
        response = make_response("", 304)
    else:
        response = once(draw, kind)
        if response.status_code != 200:
            return response
    response.set_etag(version, weak=True)
    is_kept = request.args.get("v") == version
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable" if is_kept else "private, no-cache"
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    return response


def once(draw: Callable[[], str | bytes], kind: str) -> Response:
    """The picture just once; a plain sentence where it cannot be drawn."""
    try:
        response = make_response(draw())
        response.mimetype = MIMETYPES[kind]
    except PictureRefused as refusal:
        response = make_response(f"{refusal}\n", 422)
        response.mimetype = "text/plain"
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    return response

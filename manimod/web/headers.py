"""Security headers on every response, and compression of what is text."""

from flask import Flask, Response, current_app
from flask_compress import Compress

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "img-src 'self' data:"  # Bootstrap draws its check marks and arrows from data addresses
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # not no-referrer: over https the CSRF check compares the referrer with the host
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "private, no-cache",
}
# Images and ZIP files are compressed already, and a stream is not held back to be compressed.
COMPRESSION = {
    "COMPRESS_MIMETYPES": ["text/html", "text/plain", "text/css", "text/javascript", "image/svg+xml", "font/ttf"],
    "COMPRESS_ALGORITHM": ["br", "gzip"],
    "COMPRESS_STREAMS": False,
    "COMPRESS_MIN_SIZE": 1400,  # bytes; one packet carries less than this anyway
}


def register(app: Flask) -> None:
    app.after_request(_add_headers)
    app.config.from_mapping(COMPRESSION)
    Compress(app)


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    return response

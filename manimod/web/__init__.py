"""The pages: thin views that call the packages below and respond with a page, a fragment or a redirect."""

from flask import Flask, Response
from flask_compress import Compress
from werkzeug.local import LocalProxy

from manimod.web import (
    ad_accounts,
    assets,
    audience_list,
    auth,
    brand,
    charts,
    creatives,
    dashboard,
    editor,
    errors,
    exports,
    health,
    labels,
    modes,
    polling,
    settings,
    setup,
    support,
    troubleshooting,
)

PAGES = (
    ad_accounts,
    audience_list,
    brand,
    creatives,
    dashboard,
    editor,
    exports,
    settings,
    setup,
    support,
    troubleshooting,
)
MACROS = {"ui": "ui", "forms": "forms", "charts": "charts", "check_macros": "checks"}
SECURITY_HEADERS = {
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
    "Cache-Control": "private, no-store",  # nor by the browser: Back after a sign-out shows no names
}


def register(app: Flask) -> None:
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for module in (*PAGES, assets, health):
        app.register_blueprint(module.blueprint)
    for module in (labels, auth, modes, errors, polling):
        module.register(app)
    # The templates' macros are globals: `ui.icon(...)` works in pages, in macros, and in partials rendered alone.
    # A file of macros is compiled when the first of them is used.
    app.jinja_env.globals["geometry"] = charts
    for name, file in MACROS.items():
        template = f"macros/{file}.html"
        app.jinja_env.globals[name] = LocalProxy(lambda name=template: app.jinja_env.get_template(name).module)
    headers = dict(SECURITY_HEADERS)
    if app.config["SESSION_COOKIE_SECURE"]:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    Compress(app)

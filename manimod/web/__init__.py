"""The pages: thin views that call flow and answer with a page, a fragment or a redirect.

render.py   one view, two shapes: the page, or its block for htmx; toasts; redirects after plain forms
auth.py     sign in and out, the password, and who may see what
words.py    the words and times of the pages; assets.py: styles, scripts and icons
errors.py   every failure as a friendly page, a toast or (for webhooks) a plain line
headers.py  security headers and compression
"""

from flask import Flask

from manimod.web import (
    account,
    assets,
    audience,
    auth,
    brand,
    creatives,
    dashboard,
    editor,
    errors,
    exports,
    headers,
    health,
    labels,
    macros,
    metrics,
    stripe_settings,
    support,
    troubleshooting,
)


def register(app: Flask) -> None:
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for room in (
        account,
        assets,
        audience,
        brand,
        creatives,
        dashboard,
        editor,
        exports,
        health,
        metrics,
        stripe_settings,
        troubleshooting,
        support,
    ):
        app.register_blueprint(room.blueprint)
    for room in (labels, macros, auth, errors, headers):
        room.register(app)

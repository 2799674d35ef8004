"""The pages: thin views that call the packages below and respond with a page, a fragment or a redirect.

render.py   one view, two shapes: the page, or its block for htmx; toasts; redirects after plain forms
forms.py    what each form may hold; brand_form.py: the largest of them
auth.py     sign-in and sign-out, the password, and who may see what
labels.py   the words and times of the pages; assets.py: styles, scripts and icons
charts.py   numbers as drawings: their geometry, which templates/macros/charts.html writes
errors.py   every failure as a friendly page or a toast
headers.py  security headers and compression
"""

from flask import Flask
from werkzeug.local import LocalProxy

from manimod.web import (
    account,
    assets,
    audience,
    auth,
    brand,
    charts,
    creatives,
    dashboard,
    editor,
    errors,
    exports,
    headers,
    health,
    labels,
    metrics,
    stripe_settings,
    support,
    troubleshooting,
)

PAGES = (account, audience, brand, creatives, dashboard, editor, exports, stripe_settings, support, troubleshooting)
MACROS = {
    "ui": "macros/ui.html",
    "forms": "macros/forms.html",
    "charts": "macros/charts.html",
    "check_macros": "macros/checks.html",
}


def register(app: Flask) -> None:
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for module in (*PAGES, assets, health, metrics):
        app.register_blueprint(module.blueprint)
    for module in (labels, auth, errors, headers):
        module.register(app)
    # The templates' macros are globals: `ui.icon(...)` works in pages, in macros, and in partials rendered alone.
    # A file of macros is compiled when the first of them is used.
    app.jinja_env.globals["geometry"] = charts
    for name, template in MACROS.items():
        app.jinja_env.globals[name] = LocalProxy(lambda template=template: app.jinja_env.get_template(template).module)

"""The pages: thin views that call the packages below and respond with a page, a fragment or a redirect.

render.py   one view, two shapes: the page, or its block for htmx; toasts; redirects after plain forms
forms.py    what each form may hold; brand_form.py: the largest of them
auth.py     sign-in and sign-out, the password, and who may see what
labels.py   the words and times of the pages; assets.py: styles, scripts and icons
macros.py   the templates' macros, by name in every template; charts.py: numbers as drawings
errors.py   every failure as a friendly page or a toast
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
    for module in (
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
        app.register_blueprint(module.blueprint)
    for module in (labels, macros, auth, errors, headers):
        module.register(app)

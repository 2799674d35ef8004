"""The templates' macros as globals: `ui.icon(...)` works in pages, in macros, and in partials rendered alone."""

from flask import Flask
from jinja2 import Environment
from jinja2.runtime import Macro

from manimod.web import charts

FILES = {
    "ui": "macros/ui.html",
    "forms": "macros/forms.html",
    "charts": "macros/charts.html",
    "check_macros": "macros/checks.html",
}


class MacroFile:
    """The macros of one template, which is compiled when the first of them is used."""

    def __init__(self, environment: Environment, template: str) -> None:
        self._environment = environment
        self._template = template

    def __getattr__(self, name: str) -> Macro:
        return getattr(self._environment.get_template(self._template).module, name)


def register(app: Flask) -> None:
    app.jinja_env.globals["geometry"] = charts
    for name, template in FILES.items():
        app.jinja_env.globals[name] = MacroFile(app.jinja_env, template)

"""The rules of the templates: pages, partials and macros each keep to their shape, and nothing is inline."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask

from manimod import create_app
from manimod.web import assets
from tests import factories

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
SOURCES = {name: (TEMPLATES / name).read_text() for name in NAMES}
PARTIALS = [name for name in NAMES if Path(name).name.startswith("_")]
MACROS = [name for name in NAMES if name.startswith("macros/")]
LAYOUTS = ["document.html", "base.html", "bare.html"]
PAGES = [name for name in NAMES if name not in PARTIALS + MACROS + LAYOUTS]
VIEWS = "".join(path.read_text() for path in (ROOT / "manimod" / "web").glob("*.py"))
OF_OTHERS = {"htmx-added", "htmx-swapping", "ttf", "collapsed"}
VOID = {"input", "img", "br", "hr", "link", "meta", "path", "rect", "use"}


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(factories.make_settings("sqlite:///:memory:", redis_url="redis://127.0.0.1:1/0"))


@pytest.mark.parametrize("name", NAMES)
def test_every_template_parses(app, name):
    assert app.jinja_env.get_template(name)


@pytest.mark.parametrize("name", PARTIALS)
def test_a_partial_never_extends_and_has_one_root_with_an_id(name):
    assert "{% extends" not in SOURCES[name]
    roots = Roots.of(SOURCES[name])
    assert len(roots) == 1, f"several roots: {roots}"
    assert roots[0].get("id"), "the root has no id"


@pytest.mark.parametrize("name", PARTIALS)
def test_every_partial_is_used(name):
    assert f'"{name}"' in VIEWS + "".join(SOURCES.values())


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_an_address_and_a_title(name):
    assert name.startswith("security/") or f'"{name}"' in VIEWS
    assert "{% extends" in SOURCES[name]
    assert "{% block title %}" in SOURCES[name]


@pytest.mark.parametrize("name", MACROS)
def test_a_macro_file_holds_macros_only(name):
    outside = re.sub(r"\{% macro .*?\{% endmacro %\}", "", SOURCES[name], flags=re.S)
    assert not outside.strip()


@pytest.mark.parametrize("name", NAMES)
def test_macros_are_globals_and_are_imported_nowhere(name):
    assert "{% import" not in SOURCES[name]
    assert "{% from" not in SOURCES[name]


def test_every_macro_is_used():
    everything = "".join(SOURCES.values())
    for macro in re.findall(r"\{% macro (\w+)\(", "".join(SOURCES[name] for name in MACROS)):
        assert len(re.findall(rf"\b{macro}\(", everything)) > 1, macro


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_longer_than_160_characters(name):
    assert not [line for line in SOURCES[name].splitlines() if len(line) > 160]


def test_the_styles_of_our_own_stay_small():
    assert (ROOT / "static" / "mani.css").stat().st_size <= 20_000


def test_every_class_of_the_styles_is_used():
    styles = re.sub(r"/\*.*?\*/", "", (ROOT / "static" / "mani.css").read_text(), flags=re.S)
    code = [path.read_text() for path in (ROOT / "static").glob("*.js")]
    everything = "".join([*SOURCES.values(), *code])
    for name in set(re.findall(r"\.([a-z][\w-]*)", styles)) - OF_OTHERS:
        stem = re.sub(r"(?<=-)\w+$", "", name)
        assert name in everything or stem in everything, name


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_inline(name):
    source = SOURCES[name]
    assert "<style" not in source
    assert not re.search(r"<script(?![^>]*\bsrc=)", source)
    assert not re.search(r"""\s(style|on[a-z]+)\s*=\s*["']""", source)
    assert "javascript:" not in source
    assert "hx-on" not in source


@pytest.mark.parametrize("name", NAMES)
def test_every_address_exists(app, name):
    for endpoint in re.findall(r"""url_for\(\s*["']([\w.]+)["']\s*[,)]""", SOURCES[name]):
        assert endpoint in app.view_functions


@pytest.mark.parametrize("name", NAMES)
def test_addresses_are_never_written_out(name):
    for address in re.findall(r"""\b(?:href|src|action|hx-get|hx-post)="([^"]*)""", SOURCES[name]):
        assert address.startswith(("{{", "#")), address


@pytest.mark.parametrize("name", NAMES)
def test_every_form_that_posts_has_a_csrf_token(name):
    for form in re.findall(r"<form.*?</form>", SOURCES[name], re.S):
        if 'method="post"' in form:
            assert re.search(r"\bcsrf\(\)|hidden_tag\(\)", form), form[:80]


@pytest.mark.parametrize("name", NAMES)
def test_htmx_says_verb_target_and_swap_on_one_element(name):
    for tag in re.findall(r"<\w+(?:[^<>]|\{\{.*?\}\}|\{%.*?%\})*>", SOURCES[name]):
        if "hx-get=" in tag or "hx-post=" in tag:
            assert "hx-target=" in tag, tag
            assert "hx-swap=" in tag, tag


def test_every_icon_is_served_and_few_others():
    served = set(re.findall(r' id="([\w-]+)"', assets.load("icons.svg")[0].decode()))
    assert set(re.findall(r'icon\("([\w-]+)"', "".join(SOURCES.values()))) <= served
    assert len(served) < 60


class Roots(HTMLParser):
    """The attributes of the outermost elements of a template."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.roots = 0, []

    @classmethod
    def of(cls, source: str) -> list[dict]:
        parser = cls()
        parser.feed(re.sub(r"\{\{.*?\}\}", "x", re.sub(r"\{[%#].*?[%#]\}", "", source, flags=re.S), flags=re.S))
        return parser.roots

    def handle_starttag(self, tag: str, attributes: list) -> None:
        if self.depth == 0:
            self.roots.append(dict(attributes))
        self.depth += tag not in VOID

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag not in VOID


@pytest.mark.parametrize("name", NAMES)
def test_nothing_asks_by_htmxs_own_clock_which_goes_on_in_hidden_tabs(name):
    """`data-poll` and static/polling.js do it."""
    assert not re.search(r'hx-trigger="[^"]*\bevery ', SOURCES[name])

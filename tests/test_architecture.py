"""Who may import whom. This table is the shape of the application; read it first."""

import ast
from functools import cache
from pathlib import Path

import pytest

from manimod.lifecycle import KINDS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "manimod"

# A room and what it may never import (module prefixes).
FORBIDDEN = [
    ("manimod.studio", ["flask", "sqlalchemy", "stripe", "rq", "redis", "manimod.models", "manimod.flow"]),
    ("manimod.studio", ["manimod.web", "manimod.extensions", "manimod.jobs", "manimod.config", "manimod.stripe_facts"]),
    ("manimod.models", ["manimod.flow", "manimod.web", "manimod.studio", "manimod.jobs"]),
    ("manimod.flow", ["manimod.web", "manimod.tasks", "manimod.cli", "flask_login", "flask_security", "flask_wtf"]),
    ("manimod.flow.moments", ["flask", "sqlalchemy", "redis", "structlog", "manimod.models", "manimod.extensions"]),
    ("manimod.stripe_facts", ["flask", "sqlalchemy", "stripe", "redis", "manimod"]),
    ("manimod.lifecycle", ["flask", "sqlalchemy", "stripe", "redis", "manimod"]),
    (
        "manimod.stripe_gateway",
        ["flask", "sqlalchemy", "redis", "manimod.models", "manimod.flow", "manimod.extensions"],
    ),
    ("manimod.web", ["manimod.tasks", "manimod.cli", "manimod.stripe_gateway", "stripe", "rq"]),
    ("manimod.tasks", ["manimod.web", "manimod.cli", "manimod.models", "flask"]),
    ("manimod.cli", ["manimod.web", "manimod.tasks"]),
    ("manimod", ["tests"]),
]

# A library and the only modules that may import it.
ONLY_IN = {
    "stripe": ["manimod.stripe_gateway"],
    "rq": ["manimod.jobs", "manimod.workers"],
    "gunicorn": ["manimod.local"],
    "cryptography": ["manimod.crypto"],
    "pydantic": ["manimod.studio.llm_client"],  # an optional extra, imported only where a model is asked
    "pydantic_ai": ["manimod.studio.llm_client"],
    "openai": ["manimod.studio.llm_client"],
    "httpx2": ["manimod.studio.llm_client"],
    "manimod.studio.llm_client": ["manimod.studio.llm"],
    "manimod.tasks": ["manimod.workers"],
    "manimod.local": [],
}

# Where each kind of moment may be spelled out; another module may name the one kind that it is about.
SPELL_OUT_KINDS = {"manimod.lifecycle", "manimod.flow.moments", "manimod.studio.angles"}

# From Flask, flow may take the running application's settings and nothing of the request.
FLASK_NAMES_IN_FLOW = {"current_app"}


@cache
def modules():
    """dotted name -> syntax tree of every file of the application."""
    files = [*PACKAGE.rglob("*.py"), ROOT / "worker.py", ROOT / "wsgi.py"]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files]
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in zip(names, files, strict=True)}


def imports(tree):
    """Every imported module, and `module.name` for each imported name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports in full, so that this table can read them"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_inside(name, prefix):
    return name == prefix or name.startswith(prefix + ".")


@pytest.mark.parametrize(("room", "forbidden"), FORBIDDEN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_room_imports_nothing_that_its_rule_forbids(room, forbidden):
    found = {
        (name, imported)
        for name, tree in modules().items()
        if is_inside(name, room)
        for imported in imports(tree)
        if any(is_inside(imported, prefix) and not is_inside(imported, room) for prefix in forbidden)
    }
    assert not found


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_has_one_door(library):
    users = {name for name, tree in modules().items() for imported in imports(tree) if is_inside(imported, library)}
    assert users <= {library, *ONLY_IN[library]}


def test_flow_takes_nothing_of_the_request_from_flask():
    names = {
        imported
        for name, tree in modules().items()
        if is_inside(name, "manimod.flow")
        for imported in imports(tree)
        if imported.startswith("flask.")
    }
    assert names <= {f"flask.{name}" for name in FLASK_NAMES_IN_FLOW}


def test_only_edges_open_transactions_beside_jobs_that_span_several():
    """Views, commands and the flow's long-running jobs (drain, generate, rotate, sync, poll); nothing else commits."""
    allowed = {"manimod.jobs", "manimod.cli", "manimod.local", "manimod.flow.connections"}
    jobs_of_several = {
        f"manimod.flow.{name}" for name in ("inbox", "generation", "keys", "sync", "poll", "alerts", "retention")
    }
    users = {
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "transaction"
    }
    assert {name for name in users if not is_inside(name, "manimod.web")} <= allowed | jobs_of_several


def test_a_new_kind_of_moment_touches_three_modules():
    """docs/how-to/a-new-lifecycle-moment.md tells which and what for."""
    named = {
        name: {
            kind for kind in KINDS for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == kind
        }
        for name, tree in modules().items()
    }
    assert {name for name, kinds in named.items() if len(kinds) > 1} <= SPELL_OUT_KINDS


def test_every_module_says_what_it_is():
    assert not [name for name, tree in modules().items() if not ast.get_docstring(tree)]

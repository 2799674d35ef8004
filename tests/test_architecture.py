"""Who may import whom. The table LAYERS is the shape of the application; read it first."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from manimod.lifecycle import KINDS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "manimod"

# The journey from bottom to top: a package imports only what stands above it in this list, never what stands below.
# Names in one row do not know each other.
LAYERS = [
    ("manimod.config", "manimod.lifecycle", "manimod.errors"),
    ("manimod.extensions",),
    ("manimod.models",),
    ("manimod.jobs",),
    ("manimod.stripe",),
    ("manimod.customers",),
    ("manimod.moments",),
    ("manimod.ingest", "manimod.creatives"),
    ("manimod.diagnostics",),
    ("manimod.accounts", "manimod.tasks"),
    ("manimod.web", "manimod.cli"),
    ("manimod",),
    ("manimod.local",),
]

# Pure modules know neither Flask nor a database.
PURE = ["manimod.creatives.engine", "manimod.moments.interpret", "manimod.moments.compare"]
PURE += ["manimod.stripe.payloads", "manimod.stripe.catalogue", "manimod.stripe.reader", "manimod.lifecycle"]
IMPURE = ["flask", "sqlalchemy", "stripe", "rq", "redis", "structlog", "manimod.models", "manimod.extensions"]
IMPURE += ["manimod.jobs", "manimod.config"]

# Of Flask, what stands below the pages may use the running application and nothing of a request.
# The webhook's receiver is a Flask application of its own.
FLASK_BELOW_WEB = {"flask.current_app", "flask.g", "flask_security.hash_password"}
MAY_USE_REQUESTS = ["manimod.web", "manimod.ingest.receiver", "manimod.cli", "manimod.extensions", "manimod.local"]

# A library and the only modules that may import it.
ONLY_IN = {
    "stripe": ["manimod.stripe.gateway"],
    "rq": ["manimod.jobs", "worker"],
    "cryptography": ["manimod.stripe.crypto"],
    "openai": ["manimod.creatives.engine.llm_client"],  # an optional extra, imported only where a model is asked
    "manimod.creatives.engine.llm_client": ["manimod.creatives.engine.llm"],
    "manimod.local": ["wsgi"],
}

# Where each kind of moment may be spelled out; another module may name the one kind that it is about.
SPELL_OUT_KINDS = {
    "manimod.lifecycle",
    "manimod.moments.interpret",
    "manimod.moments.compare",
    "manimod.moments.validity",
    "manimod.creatives.engine.copy.angles",
}

# Private words: each has a standard one, which is used instead.
PRIVATE_WORDS = """
    door desk bell bells mirror easel happening happenings amiss outbreak deed glance unwritable parked lexicon
    suspicions sealed reseal resealed tells told hear heard news patience
"""
PRIVATE_PHRASES = ["spoken_to", "signs_of_life", "ring_again", "last_words", "tell_stored", "hand_in", "takes_on"]

MAX_MODULE_LINES = 350
MAX_MODULES_IN_A_PACKAGE = 7


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
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from names
            if any(module_file(name) is None for name in names):
                yield node.module


def module_file(name):
    """The file of a module of this project; None for a name inside a module, and for libraries."""
    path = ROOT / name.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


def is_inside(name, prefix):
    return name == prefix or name.startswith(prefix + ".")


def layer(name):
    """The place of a module in LAYERS; None for what is not in the table."""
    for place, row in enumerate(LAYERS):
        for prefix in row:
            if prefix == name or (prefix != "manimod" and is_inside(name, prefix)):
                return place, prefix
    return None


def test_a_package_imports_only_what_stands_before_it_in_the_table():
    found = set()
    for name, tree in modules().items():
        own = layer(name)
        for imported in imports(tree):
            other = layer(imported) if imported in modules() else None
            if own and other and other[1] != own[1] and other[0] >= own[0]:
                found.add((name, imported))
    assert not found


def test_every_module_has_a_place_in_the_table():
    assert not [name for name in modules() if name not in ("worker", "wsgi") and layer(name) is None]


@pytest.mark.parametrize("pure", PURE)
def test_pure_modules_know_neither_flask_nor_a_database(pure):
    found = {
        (name, imported)
        for name, tree in modules().items()
        if is_inside(name, pure)
        for imported in imports(tree)
        if any(is_inside(imported, library) for library in IMPURE)
    }
    assert not found


def test_only_pages_and_edges_know_requests():
    found = {
        (name, imported)
        for name, tree in modules().items()
        if name not in ("manimod", "worker", "wsgi") and not any(is_inside(name, edge) for edge in MAY_USE_REQUESTS)
        for imported in imports(tree)
        if re.match(r"flask(_login|_wtf|_security)?\.", imported) and imported not in FLASK_BELOW_WEB
    }
    assert not {(name, used) for name, used in found if not is_inside(name, "manimod.models.accounts")}


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_in_one_place(library):
    users = {name for name, tree in modules().items() for imported in imports(tree) if is_inside(imported, library)}
    assert {name for name in users if not is_inside(name, library)} <= set(ONLY_IN[library])


def test_no_module_imports_itself_by_way_of_others():
    """Follows each module's imports; a circle would have to be read as one piece."""
    known = modules()
    arrows = {name: {i for i in imports(tree) if i in known and i != name} for name, tree in known.items()}
    circles = set()
    for start in arrows:
        seen, to_visit = set(), list(arrows[start])
        while to_visit:
            name = to_visit.pop()
            if name == start:
                circles.add(start)
            elif name not in seen:
                seen.add(name)
                to_visit += arrows[name]
    assert not circles


def test_a_class_name_means_one_thing():
    homes = defaultdict(list)
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(name)
    assert not {name: places for name, places in homes.items() if len(places) > 1}


def test_no_identifier_is_a_private_word():
    found = set()
    for module, tree in modules().items():
        for node in ast.walk(tree):
            for name in identifiers(node):
                words = set(name.lower().strip("_").split("_"))
                if words & set(PRIVATE_WORDS.split()) or any(phrase in name.lower() for phrase in PRIVATE_PHRASES):
                    found.add((module, name))
    assert not found


def identifiers(node):
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield re.sub(r"(?<!^)(?=[A-Z])", "_", node.name)
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg


def test_only_edges_open_transactions_beside_jobs_that_span_several():
    """Views, commands and long jobs (process, generate, export, fetch, rotate, sync, poll); no other commits."""
    allowed = {
        "manimod.jobs",
        "manimod.cli",
        "manimod.local.__main__",
        "manimod.stripe.connections",
        "manimod.customers.tiers",
        "manimod.ingest.receiver",
        "manimod.ingest.events",
        "manimod.ingest.sync",
        "manimod.ingest.polling",
        "manimod.ingest.recent",
        "manimod.ingest.retention",
        "manimod.creatives.export",
        "manimod.creatives.generate",
        "manimod.customers.images",
        "manimod.diagnostics.alerts",
        "manimod.tasks",
    }
    users = {
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "transaction"
    }
    assert {name for name in users if not is_inside(name, "manimod.web")} <= allowed


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


def test_modules_and_packages_stay_small():
    long = {path.name: count for path in PACKAGE.rglob("*.py") if (count := lines(path)) > MAX_MODULE_LINES}
    assert not long
    packages = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        if path.name != "__init__.py" and path.parent != PACKAGE / "web":
            packages[str(path.parent.relative_to(ROOT))].append(path.name)
    assert not {name: found for name, found in packages.items() if len(found) > MAX_MODULES_IN_A_PACKAGE}


def lines(path):
    return path.read_text(encoding="utf-8").count("\n")

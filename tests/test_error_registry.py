"""Every failure that mani can show has a code, a meaning and an action; and every one of them is in use."""

import ast
import difflib
import re
from pathlib import Path

import pytest
from werkzeug.exceptions import HTTPException, default_exceptions

from manimod.errors import FAILURES, explain

ROOT = Path(__file__).parents[1] / "manimod"
SOURCES = {path: path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}
CODE = re.compile(r"[A-Z][A-Z_]{3,}")


def raised():
    """(file, code) of each `ManimodError(...)` and of each class that inherits from it, as far as they are literal."""
    for path, source in SOURCES.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
                "ManimodError",
                "__init__",
            ):
                for argument in node.args[:1]:
                    literals = [part.value for part in ast.walk(argument) if isinstance(part, ast.Constant)]
                    yield from (
                        (path.name, word) for word in literals if isinstance(word, str) and CODE.fullmatch(word)
                    )


def test_no_code_is_misspelt_wherever_it_stands():
    """It would fail only on the error path. What is nearly a code, but none, is a slip of the pen."""
    for path, source in SOURCES.items():
        for node in ast.walk(ast.parse(source)):
            word = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if CODE.fullmatch(word) and word not in FAILURES:
                assert not difflib.get_close_matches(word, FAILURES, cutoff=0.85), f"{path.name}: {word}"


def test_whatever_is_raised_is_in_the_registry():
    assert {code for _, code in raised()} <= set(FAILURES)
    assert len(set(raised())) > 40, "the search has found too little to prove anything"


@pytest.mark.parametrize("code", FAILURES)
def test_no_code_is_out_of_use(code):
    outside = [source for path, source in SOURCES.items() if path != ROOT / "errors.py"]
    assert any(f'"{code}"' in source for source in outside)


@pytest.mark.parametrize("code", FAILURES)
def test_it_says_what_happened_and_what_to_do(code):
    failure = FAILURES[code]
    assert failure.meaning.endswith((".", "}"))
    assert failure.action.endswith(".") or code in ("TEXT_BLOCKED", "BRAND_REFUSED", "GONE")
    assert "{" not in explain(code)


@pytest.mark.parametrize("status", sorted(default_exceptions))
def test_every_error_of_http_has_a_code_of_ours(app, status):
    class Odd(HTTPException):
        code = status
        description = "words of the framework"

    with app.test_request_context("/somewhere"):
        answer = app.handle_user_exception(Odd())
    assert answer.status_code == status
    assert answer.headers["X-Error-Code"] in FAILURES
    assert "words of the framework" not in answer.get_data(as_text=True)


def test_an_error_page_says_its_code(as_owner):
    answer = as_owner.get("/creatives/999999")
    assert answer.headers["X-Error-Code"] == "NOT_FOUND"
    assert "NOT_FOUND" in answer.text

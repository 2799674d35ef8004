"""docs/glossary.md holds one word for each thing that a person sees, and pages keep to it."""

import re
import tomllib
from pathlib import Path

import pytest

from manimod.models import states

ROOT = Path(__file__).parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| Word")
]
WORDS = [word for word, _, _ in ROWS]
AVOIDED = sorted({word for _, _, avoided in ROWS for word in avoided.split(", ")})


def texts() -> dict[str, str]:
    """What people read: templates without their markup, the sentences of failures, the labels of states."""
    found = {path.relative_to(ROOT).as_posix(): visible(path) for path in (ROOT / "templates").rglob("*.html")}
    failures = tomllib.loads((ROOT / "manimod" / "errors.toml").read_text(encoding="utf-8"))
    found["errors.toml"] = " ".join(" ".join(map(str, failure.values())) for failure in failures.values())
    kinds = [kind for kind in vars(states).values() if isinstance(kind, type) and issubclass(kind, states.LabelledEnum)]
    found["states.py"] = " ".join(member.label for kind in kinds for member in kind)
    return found


def visible(path: Path) -> str:
    """A template's sentences: between the tags, and the string literals with a space inside."""
    source = path.read_text(encoding="utf-8")
    source = re.sub(r"\{#.*?#\}|<script.*?</script>", " ", source, flags=re.S)
    code = re.findall(r"\{\{.*?\}\}|\{%.*?%\}", source, flags=re.S)
    literals = [text for part in code for text in re.findall(r'"([^"]* [^"]*)"', part)]
    prose = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", " ", source, flags=re.S)
    return " ".join([prose, *literals])


TEXTS = texts()


@pytest.mark.parametrize("word", AVOIDED)
def test_no_page_uses_a_word_that_the_glossary_replaces(word):
    pattern = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
    assert not [name for name, text in TEXTS.items() if pattern.search(text)]


@pytest.mark.parametrize("word", WORDS)
def test_each_word_of_the_glossary_is_used_on_a_page(word):
    pattern = re.compile(rf"\b{re.escape(word)}", re.IGNORECASE)
    assert [name for name, text in TEXTS.items() if pattern.search(text)]


def test_the_glossary_is_in_one_piece():
    assert len(ROWS) > 20
    assert all(len(row) == 3 and all(row) for row in ROWS)
    assert not set(WORDS) & set(AVOIDED)

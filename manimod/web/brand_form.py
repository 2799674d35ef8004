"""What the brand page's form may hold: lengths, lists, colours, addresses and days. The ad rules come afterwards."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from manimod.creatives import briefs
from manimod.creatives.engine.brief import OfferKind, Tone

MAX_LINES = 50  # banned words, proof and release notes of an account
MAX_OFFERS = 10
MAX_LENGTHS = {"name": 60, "landing_page": 500, "disclaimer": 200, "line": 160, "offer": 120, "code": 30}
LISTS = ("banned_words", "proof", "release_notes")


def read(form: Mapping[str, str], offers: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """The values of a brand kit as the form has them; a colour or tone that is none is left out."""
    values = {
        "name": _clean(form.get("name", "")),
        "landing_page": form.get("landing_page", "").strip(),
        "disclaimer": _clean(form.get("disclaimer", "")),
        "offers": [_offer(row) for row in offers if _clean(row.get("text", ""))],
    }
    for name in LISTS:
        values[name] = _lines(form.get(name, ""))
    for name in ("primary_colour", "accent_colour"):
        if re.fullmatch(r"\s*#?[0-9a-fA-F]{6}\s*", form.get(name, "")):
            values[name] = "#" + form[name].strip().lstrip("#").lower()
    if form.get("tone") in tuple(Tone):
        values["tone"] = form["tone"]
    return values


def find_problems(values: Mapping[str, Any]) -> dict[str, str]:
    """Field -> the sentence that says what to change."""
    problems = {}
    if not 1 <= len(values["name"]) <= MAX_LENGTHS["name"]:
        problems["name"] = f"A brand needs a name of 1 to {MAX_LENGTHS['name']} characters."
    if values["landing_page"] and not _is_web_address(values["landing_page"]):
        problems["landing_page"] = "The landing page must be a full address that starts with https://."
    if len(values["disclaimer"]) > MAX_LENGTHS["disclaimer"]:
        problems["disclaimer"] = f"A disclaimer has at most {MAX_LENGTHS['disclaimer']} characters."
    for field in LISTS:
        if len(values[field]) > MAX_LINES or any(len(line) > MAX_LENGTHS["line"] for line in values[field]):
            problems[field] = f"At most {MAX_LINES} lines of {MAX_LENGTHS['line']} characters each."
    if len(values["offers"]) > MAX_OFFERS:
        problems["offers"] = f"At most {MAX_OFFERS} offers."
    for offer in values["offers"]:
        if len(offer["text"]) > MAX_LENGTHS["offer"] or len(offer["code"] or "") > MAX_LENGTHS["code"]:
            problems["offers"] = (
                f"An offer has at most {MAX_LENGTHS['offer']} characters, its code at most {MAX_LENGTHS['code']}."
            )
        elif offer["ends_on"] and not briefs.to_date(offer["ends_on"]):
            problems["offers"] = "An end date is a day like 2027-01-31."
    return problems


def _offer(row: Mapping[str, str]) -> dict[str, str | None]:
    kind = row.get("kind")
    return {
        "text": _clean(row["text"]),
        "kind": kind if kind in tuple(OfferKind) else OfferKind.DISCOUNT,
        "code": _clean(row.get("code", "")) or None,
        "ends_on": row.get("ends_on", "").strip() or None,
    }


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line for line in map(_clean, text.splitlines()) if line))


def _clean(text: str) -> str:
    """One line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        parts.port  # noqa: B018  raises for a port that is none
    except ValueError:
        return False
    plain = text.isprintable() and not re.search(r"[\s\"'<>\\]", text)
    return plain and parts.scheme == "https" and "." in host and not parts.username and len(text) <= 500

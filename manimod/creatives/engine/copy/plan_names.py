"""A tier's name as a person would say it: "team (annual)" is said as "your annual Team plan"."""

import re
import unicodedata
from dataclasses import dataclass

MAX_LENGTH = 60
# Names that already say what they are; only singulars, so that "your {plan} is ready" stays grammatical.
NOUNS = re.compile(
    r"(plan|membership|workspace|tier|subscription|package|bundle|club|box|pass|edition|program(me)?|licen[cs]e|suite|kit|"
    r"account|access|crate|circle|toolkit)"
)
OPENERS = ("plan", "tier", "level", "package")
INTERVALS = dict.fromkeys(("annual", "annually", "yearly", "year"), "annual")
INTERVALS |= {"monthly": "monthly", "month": "monthly", "quarterly": "quarterly", "weekly": "weekly"}
PRICE = re.compile(r"[$€£¥]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:[$€£¥]|USD|EUR|GBP)", re.I)
HOSTILE = re.compile(r"[<>{}\[\]\\`|^~\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e]|https?:|www\.|\S@\S|\d{7,}")
SILENT_H = ("hour", "honest", "honour", "honor", "heir")
YOU_SOUND = ("uni", "use", "uti", "ubi", "eu", "one", "once")


@dataclass(frozen=True)
class PlanName:
    """`name` "Team"; `plan` "annual Team plan", always singular and without an article."""

    name: str
    plan: str

    @property
    def a_plan(self) -> str:
        return f"{article(self.plan)} {self.plan}"


def format_plan(raw: str | None) -> tuple[PlanName | None, str | None]:
    """A stored product name as an ad says it, or None and why it cannot be printed."""
    text = " ".join(unicodedata.normalize("NFC", raw or "").split())
    if not text:
        return None, "none is known for this audience."
    if HOSTILE.search(text) or not any(c.isalnum() for c in text):
        return None, "It holds characters that do not belong in an ad."
    name, interval = _without_extras(text)
    if not name or len(name) > MAX_LENGTH:
        return None, "It is too long or too bare to be said in an ad."
    words = name.lower().split()
    says_what_it_is = any(map(NOUNS.fullmatch, words)) or (words[0] in OPENERS and len(words) > 1)
    plan = name if says_what_it_is else f"{name} plan"
    return PlanName(name, f"{interval} {plan}" if interval else plan), None


def _without_extras(text: str) -> tuple[str, str | None]:
    """Drops brackets, prices and billing intervals ("Pro - $49/month"); returns the bare name and the interval."""
    interval = None
    for extra in re.findall(r"\(([^)]*)\)", text):
        interval = INTERVALS.get(extra.strip().lower(), interval)
    name = re.sub(r"\s*\([^)]*\)", "", text)
    name = re.sub(r"(?:\s*(?:/|per|a)\s*(?:month|mo|year|yr|week))\b", "", PRICE.sub("", name), flags=re.I)
    *front, last = re.split(r"\s+[-–—:·/]\s+|\s+(?=\S+$)", name.strip(" -–—/:·,")) or [""]
    if front and last.lower() in INTERVALS:
        interval, name = INTERVALS[last.lower()], name[: name.rindex(last)]
    name = re.sub(r"^the\s+", "", name.strip(" -–—/:·,"), flags=re.I)
    # Platforms refuse words in capitals.
    name = re.sub(r"\b(?:PRO|(?=\w*[AEIOU])[A-Z]{4,})\b", lambda m: m[0].capitalize(), name)
    return (name[:1].upper() + name[1:] if name.islower() else name), interval


def article(phrase: str) -> str:
    """ "a" or "an", by sound: an Étudiant plan, a Unicorn plan, an SMB plan, an 8-seat plan."""
    word = re.split(r"[\s\-+/]", phrase)[0]
    plain = unicodedata.normalize("NFD", word).encode("ascii", "ignore").decode().lower()
    if word.isupper() and len(word) < 5 and not (len(word) > 2 and set(plain) & set("aeiou")):
        return "an" if plain[:1] in set("aefhilmnorsx") else "a"  # spelled out letter by letter
    if plain.startswith(SILENT_H) or plain.startswith("8") or plain in ("11", "18"):
        return "an"
    return "an" if plain[:1] in set("aeiou") and not plain.startswith(YOU_SOUND) else "a"


def slug(text: str) -> str:
    """ "Pro+ Étudiant" -> "pro-etudiant"."""
    plain = unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")

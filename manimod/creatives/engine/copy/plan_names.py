"""A tier's name as a person would say it: "team (annual)" is said as "your annual Team plan"."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

MAX_LENGTH = 60
HOSTILE = re.compile(r"[<>{}\[\]\\`|^~\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e]|https?:|www\.|\S@\S|\d{7,}")
SILENT_H = ("hour", "honest", "honour", "honor", "heir")
YOU_SOUND = ("uni", "use", "uti", "ubi", "eu", "one", "once")
RULES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\n\s*", "", pattern), re.IGNORECASE)


NOUNS, LAST_NOUN, CAPITALS = _compile(RULES["nouns"]), _compile(RULES["last"]), _compile(RULES["said"]["capitals"])
ADJECTIVES, SEATS = _compile(RULES["said"]["adjectives"]), _compile(RULES["said"]["seats"])
REFUSED = [(_compile(rule["pattern"]), rule["reason"]) for rule in RULES["refused"]]
REMOVED = [_compile(pattern) for pattern in RULES["removed"]["patterns"]]
# "Team - Monthly", "Premium Monthly Subscription", "Team (annual)"
INTERVALS = {
    interval: _compile(
        rf"(?<=\w)[\s:·/,–—-]+(?:(?:billed|paid)\s)?(?:{words})(?=$|\s+(?:plan|subscription)$)|\((?:{words})\)"
    )
    for interval, words in RULES["intervals"].items()
}


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
    for pattern, reason in REFUSED:
        if pattern.search(text):
            return None, reason
    name, interval = _without_extras(text)
    if not name or len(name) > MAX_LENGTH:
        return None, "It is too long or too bare to be said in an ad."
    name, plan = _say(name)
    return PlanName(name, f"{interval} {plan}" if interval else plan), None


def _without_extras(text: str) -> tuple[str, str | None]:
    """The bare name, without brackets, prices and notes, and the interval: "Pro - monthly, $49" is "Pro", "monthly"."""
    interval, name, before = None, text, None
    while name != before:
        before = name
        for said, pattern in INTERVALS.items():
            shorter = pattern.sub("", name)
            if shorter != name:
                interval, name = said, shorter
        for pattern in REMOVED:
            name = pattern.sub("", name)
    return name, interval


def _say(name: str) -> tuple[str, str]:
    """The name and the plan, in the spelling that stands within a sentence."""
    name = CAPITALS.sub(lambda found: found[0].capitalize(), name)
    if name.islower():
        name = name[:1].upper() + name[1:]
    seats, last = SEATS.fullmatch(name), LAST_NOUN.fullmatch(name)
    if seats:
        plan = f"{seats['number']}-{seats['seat'].lower()} plan"
        return plan, plan
    if last:
        name, plan = last["name"], f"{last['name']} {last['noun'].lower()}"
    else:
        words = name.lower().split()
        says_what_it_is = any(map(NOUNS.fullmatch, words)) or (words[0] in RULES["openers"] and len(words) > 1)
        plan = name if says_what_it_is else f"{name} plan"
    return (plan if ADJECTIVES.fullmatch(name) else name), plan


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

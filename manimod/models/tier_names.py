"""What a tier is called where only Stripe has a name for it. Other systems write such names: with HTML entities, signs
that nobody sees, prices, intervals and codes. The rules are in tier_names.toml."""

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from html import unescape
from pathlib import Path

RULES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z]\w*);", re.IGNORECASE)
# Letters and signs that are drawn as nothing, beside those that Unicode calls control or format characters.
BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
GAP = r"[\s\-–—:·|/,;.&•*>›»(\[]"
BEFORE, AFTER = " -–—:·|/,;&•*›»_", " -–—:·|/,;&•*›»_(@"  # what a name neither begins nor ends with
BRACKETS = {"（": " (", "）": ")", "［": " [", "］": "]", "【": " [", "】": "]"}
AMOUNT = r"(?:\d+(?:[.,'’]\d{3})*(?:[.,]\d{1,2})?k?(?:,[-–])?)"
LETTER = r"[^\W\d_]"
MAX_LENGTH = 120


@lru_cache(maxsize=10_000)
def clean_name(raw: str) -> tuple[str | None, str | None]:
    """A tier's name, with its interval in brackets: "Pro (annual)". Or None, and why it cannot be one."""
    text = _decode(raw)
    if len(text) > MAX_LENGTH:
        return None, "it is too long for an ad"
    name, reason = _without_extras(text)
    interval = None
    for word in RULES["intervals"]:
        found = _interval(word).search(name)
        if found:
            name, why_shorter = _without_extras(f"{name[: found.start()]} {name[found.end() :]}")
            interval, reason = word, why_shorter or "it says only how often it is billed"
            break
    for rule in RULES["refused"]:
        if _pattern(rule["pattern"]).search(text) or _pattern(rule["pattern"]).search(name):
            return None, rule["reason"]
    if not any(sign.isalnum() for sign in name):
        return None, reason or "it has no letters"
    if _pattern(RULES["bare"]["pattern"]).fullmatch(name):
        return None, RULES["bare"]["reason"]
    return (f"{name} ({interval})" if interval else name), None


def _without_extras(text: str) -> tuple[str, str | None]:
    """The name without what the rules take out of it, and what was taken out last."""
    name, before, reason = _trim(text), None, None
    while name != before:
        before = name
        for rule in RULES["removed"]:
            shorter = _trim(_pattern(rule["pattern"]).sub(" ", name))
            if shorter != name:
                name, reason = shorter, rule["reason"]
    return name, reason


def _decode(raw: str) -> str:
    """The text as a person sees it. Some systems write entities twice: "&amp;amp;"."""
    for _ in range(2):
        raw = ENTITY.sub(lambda found: unescape(found[0]), raw)
    seen = []
    for sign in unicodedata.normalize("NFC", raw):
        if sign.isspace():
            seen.append(" ")
        elif sign in BRACKETS:
            seen.append(BRACKETS[sign])
        elif unicodedata.category(sign)[0] != "C" and sign not in BLANKS:
            seen.append(sign)
    return " ".join("".join(seen).split())


def _trim(name: str) -> str:
    """The name without empty brackets and without what used to stand before or after something else."""
    name = re.sub(r"[(\[]\s*[)\]]", " ", name)
    name = re.sub(r"\s+(?=[)\]])", "", name)
    return " ".join(name.split()).lstrip(BEFORE).rstrip(AFTER)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """A rule's pattern with the words that it names."""
    words = {name: _any_of(listed) for name, listed in RULES["words"].items()}
    words["money"] = f"(?:{words['symbols']}|(?<!{LETTER}){words['currencies']}(?!{LETTER}))"
    words |= {"gap": GAP, "amount": AMOUNT, "start": f"(?<!{LETTER})", "end": f"(?!{LETTER})"}
    for name, expression in words.items():
        pattern = pattern.replace(f"{{{name}}}", expression)
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE)


@cache
def _interval(word: str) -> re.Pattern[str]:
    """Finds the interval at the end of a name, or set apart at its beginning; "bi-monthly" is none of these."""
    said, billed = _any_of(RULES["intervals"][word]), _any_of(RULES["words"]["billed"])
    front = rf"^[(\[]?{said}\s*[)\]:|–—-]+\s+"
    beginning = rf"(?:^|(?=/)|(?<!\bbi)(?<!\btri)(?<!\bsemi)(?<!\bmid){GAP}+)"
    return re.compile(rf"{front}|{beginning}(?:{billed}\s+)?{said}(?:\s+{billed})?[)\]]?$", re.IGNORECASE)


def _any_of(listed: str) -> str:
    """One of the words, with spaces or hyphens between their parts."""
    longest_first = sorted(re.split(r",\s+", listed), key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    return "(?:" + words.replace("\\ ", r"[\s-]+").replace("/", r"/\s*") + ")"

"""How many: the amount that a line begins with, what it counts, and how a sentence writes it."""

import re
from dataclasses import dataclass

from manimod.creatives.engine.facts import words
from manimod.creatives.engine.facts.words import TABLE

AMOUNTS = TABLE["amounts"]
REWRITTEN = [(re.compile(row["pattern"], re.I), row["by"]) for row in AMOUNTS["rewritten"]]
UP_TO = words.one_of(AMOUNTS["up_to"])
UNLIMITED = words.one_of(AMOUNTS["unlimited"])
NUMBER = re.compile(
    r"(?P<digits>\d[\d.,]*\d|\d)(?P<multiple> (?:million|billion|mio))?\+?"
    rf"(?:-(?P<time>{'|'.join(AMOUNTS['joined'])}))?(?![\w/%:*,-])",
    re.I,
)
IN_THE_TAIL = re.compile(r" (?:for|of) up to (?P<digits>\d[\d.,]*) (?P<unit>\w+)$", re.I)  # retries for up to 24 hours
# Where the thing that is counted ends: "deliveries | a month", "GB | of storage".
ENDS = re.compile(r" (?:an?|per|in|of|for|with|to|every|each|from|at|across|und|im|pro|par|al|by|on)\b.*$", re.I)


@dataclass(frozen=True)
class Amount:
    """`number`: None for "unlimited" and for a line without an amount. `rest`: what follows the amount in the line."""

    rest: str
    number: float | None = None
    unit: str | None = None
    is_unlimited: bool = False


def written_out(line: str) -> str:
    """ "5M deliveries/month" -> "5 million deliveries a month"; "30 day logs" -> "30-day logs"."""
    for pattern, by in REWRITTEN:
        line = pattern.sub(by, line)
    return line


def read_amount(line: str) -> Amount:
    """Takes a line whose amounts are written out."""
    if found := UNLIMITED.match(line):
        rest = line[found.end() :].strip()
        return Amount(rest, unit=_counted(rest), is_unlimited=True)
    up_to = UP_TO.match(line)
    rest = line[up_to.end() :].strip() if up_to else line
    if found := NUMBER.match(rest):
        following = rest[found.end() :].strip()
        if re.match(r"to \d", following):  # a range has no single number
            return Amount(re.sub(r"^to \d+ ", "", following))
        unit = words.plural(found["time"].lower()) if found["time"] else _counted(following)
        return Amount(following, _value(found["digits"], found["multiple"]), unit)
    if found := UNLIMITED.search(line):  # "Boards: unlimited"
        if not line.endswith(found[0]):
            return Amount(line)
        before = line[: found.start()].strip(" :")
        return Amount(before, unit=_counted(before), is_unlimited=True)
    first, _, following = rest.partition(" ")
    if following and (number := AMOUNTS["words"].get(first.lower())):
        return Amount(following, number, _counted(following))
    if found := IN_THE_TAIL.search(line):
        return Amount(line[: found.start()], _value(found["digits"], None), words.plural(found["unit"]))
    return Amount(line)


def topic(rest: str) -> str:
    """What is had, without article and capitals, in the plural: two sizes of one thing have the same topic."""
    lower = " ".join(words.lowered(rest.split())).lower()
    lower = re.sub(r"^(?:an?|the) ", "", lower)
    counted = ENDS.sub("", lower)
    return _in_the_plural(counted) + lower[len(counted) :]


def _value(digits: str, multiple: str | None) -> float | None:
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", digits):
        digits = re.sub(r"[.,]", "", digits)
    if not re.fullmatch(r"\d+([.,]\d+)?", digits):
        return None
    return float(digits.replace(",", ".")) * AMOUNTS["multiples"].get((multiple or "").strip().lower(), 1)


def _counted(rest: str) -> str | None:
    return _in_the_plural(ENDS.sub("", " ".join(words.lowered(rest.split())))) or None


def _in_the_plural(noun: str) -> str:
    *before, last = noun.split(" ")
    return " ".join([*before, words.plural(last) if last.isascii() else last])

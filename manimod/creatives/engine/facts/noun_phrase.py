"""How a line of a price list stands in the middle of a sentence: "Dedicated success manager" as "a dedicated success
manager". Nothing, where the line is a sentence or a command, or where its grammar can't be decided."""

import re
from dataclasses import dataclass

from manimod.creatives.engine.facts import words
from manimod.creatives.engine.facts.words import TABLE, Number

CLAUSES = {name: frozenset(entries) for name, entries in TABLE["clauses"].items() if isinstance(entries, list)}
VERBS = CLAUSES["verbs"] | CLAUSES["also_nouns"]
MADE_OF_A_VERB = re.compile(TABLE["clauses"]["made_of_a_verb"])
FIXED = TABLE["words"]["fixed"]
PUFFS = frozenset(TABLE["words"]["puffs"])
REPLACED = {name.lower(): name for name in TABLE["words"]["brands"] if re.search("[a-z][A-Z]", name)}  # Wordpress
REPLACED |= TABLE["words"]["replaced"]
PLACES = tuple(TABLE["words"]["places"])
OWN_PLACE = frozenset(TABLE["words"]["own_place"])
PLURAL_MODIFIERS = frozenset(TABLE["words"]["plural_modifiers"])
LANGUAGES = TABLE["languages"]
GERMAN, OTHER = frozenset(LANGUAGES["german"]), frozenset(LANGUAGES["other"])
ALSO_ENGLISH, LOANWORDS = frozenset(LANGUAGES["also_english"]), frozenset(LANGUAGES["loanwords"])
GERMAN_ADJECTIVE = re.compile(LANGUAGES["german_adjective"])
NOT_ADVERBS = words.ADJECTIVES | frozenset(TABLE["words"]["not_adverbs"])
OTHER_ENDINGS = re.compile(LANGUAGES["other_endings"])
SIZES = frozenset(TABLE["words"]["sizes"])
PARTICIPLE = re.compile(r"(?!(feed|seed|speed|bed|breed|need|shed|weed|embed|red)$)\w{2,}ed$")
ABOUT = re.compile(
    r"(up to|over|more than|at least|about|around|nearly|almost|\d+ to) (?=\d|(two|three|four|five|six|ten)\b)", re.I
)
EVERY = ("daily", "weekly", "monthly", "quarterly", "yearly", "annual")
PERIODS = ("hour", "day", "week", "month", "quarter", "year", "shipment", "delivery", "visit", "order", "session")
PERIOD = re.compile(r" an? (day|week|month|quarter|year)$")
LONGEST = 60  # characters: what is longer leaves no room for a sentence around it


@dataclass(frozen=True)
class NounPhrase:
    text: str
    is_plural: bool


def noun_phrase(line: str) -> NounPhrase | None:
    """Takes a clean line in English, without brackets, its amount written out ("up to 20 users", "30-day logs")."""
    if fixed := FIXED.get(line.lower()):
        return NounPhrase(fixed, fixed.endswith("s"))
    if sizes := re.match(r"((?:\d+, )*\d+),? or (?=\d)", line):  # "3, 6 or 12 bottles"
        largest = noun_phrase(line[sizes.end() :])
        return NounPhrase(f"{sizes[1]} or {largest.text}", True) if largest else None
    tokens = [REPLACED.get(word.lower(), word) for word in line.split()]
    tokens = _without_puffs(tokens)
    if not tokens or re.search(r"[:;?!\"“”…/]\s|\s[-–—/|]|[?!\"“”…]", " ".join(tokens)) or is_clause(tokens):
        return None
    if tokens[-1] in EVERY and len(tokens) > 2 and tokens[-2].removesuffix("s") in words.COUNT:
        tokens = [tokens[-1], *tokens[:-2], tokens[-2].removesuffix("s")]  # "team calls monthly"
    if words.may_hold_a_name(tokens):
        return _house_name(tokens)
    items = _items(" ".join(words.lowered(tokens)))
    if len(items) > 2 and _share_the_last_noun(items):
        return NounPhrase(_listed(items), True)
    names, is_plural = [], len(items) > 1
    for item in items:
        thing = _one_thing(item.split())
        if not thing:
            return None
        names.append(thing.text)
        is_plural = is_plural or thing.is_plural
    text = _listed(names)
    return NounPhrase(text, is_plural) if 0 < len(text) <= LONGEST else None


def _house_name(tokens: list[str]) -> NounPhrase | None:
    """What the seller calls a thing of its own: "the Kids Club", "access to the Partner Network"."""
    found = re.fullmatch(r"((?i:access to )?)((?:[A-Z]\S* )+([A-Z]\S*))", " ".join(tokens))
    if not found or found[3].lower() not in words.HOUSE_NAMES or found[2].split()[0].lower() in words.ADJECTIVES:
        return None
    return NounPhrase(f"{found[1].lower()}the {found[2]}", False)


def _items(line: str) -> list[str]:
    """ "A + B", "A, B and C", one by one; "A and B" alone stays a pair, which may share its last word."""
    items = re.split(r"\s+\+\s+|,\s+(?:and\s+)?", line)
    if ", " in line:
        items[-1:] = items[-1].split(" and ", 1)
    return list(filter(None, items))


def _listed(items: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def _share_the_last_noun(items: list[str]) -> bool:
    """ "email, chat and phone support"."""
    *others, last = items
    if " " not in last or " " in "".join(others):
        return False
    return words.number_of(last.split()[-1]) in (Number.MASS, Number.PLURAL)


def is_clause(tokens: list[str]) -> bool:
    """Whether the line is a sentence or a command: "Drafts replies", "Access all sounds", "Hosted in Frankfurt"."""
    lower = _bare(tokens)
    first, second, last = lower[0], [*lower, ""][1], lower[-1]
    if CLAUSES["words"] & set(lower) or re.search(r"(n['’]t|['’]ll)( |$)", " ".join(lower)):
        return True
    if _is_adverb(first) or _is_adverb(last):
        return True
    if first in words.PREPOSITIONS - words.DETERMINERS and not ABOUT.match(" ".join(lower)):
        return True
    if PARTICIPLE.match(first) and (second in words.PREPOSITIONS or not second):
        return True
    if first.endswith("ing") and second in words.DETERMINERS:
        return True
    return is_command(tokens) or _is_statement(tokens)


def _bare(tokens: list[str]) -> list[str]:
    return [token.lower().strip(",.") for token in tokens]


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") and word.rsplit("-", 1)[-1] not in NOT_ADVERBS


def is_command(tokens: list[str]) -> bool:
    """ "Remove branding", "Access all sounds", "Plan, track and report"; not "Access to all", "Print edition"."""
    first, second, *rest = _bare([*tokens, "", "", ""])
    if first not in VERBS:
        return False
    if first not in CLAUSES["also_nouns"] or second in CLAUSES["after_a_verb"]:
        return True
    if first in CLAUSES["noun_before_noun"] or not second:
        return False
    if tokens[0].endswith(",") or tokens[1].isupper():  # "Plan, track and report", "Export PDF"
        return second in VERBS or tokens[1].isupper()
    if second in ("and", "&"):
        return rest[0] in VERBS and bool(rest[1])
    if second in CLAUSES["after_a_noun"]:
        return False
    number = words.number_of(second)
    return number != Number.COUNT and not (number == Number.MASS and MADE_OF_A_VERB.search(second))


def _is_statement(tokens: list[str]) -> bool:
    """ "Blocks cold emails", "Sorts and labels every email"; not "Blocks of ten", "Notes and files"."""
    first, second, *rest = _bare([*tokens, ""])
    stems = (first[:-1], first[:-2], first[:-3] + "y") if first.endswith("s") else ()
    if not second:
        return False
    if first in CLAUSES["statements"]:
        return True
    if not VERBS.intersection(stems):
        return False
    if second in ("and", "&") or tokens[0].endswith(","):
        return bool(CLAUSES["after_a_verb"].intersection(rest))
    return second not in words.PREPOSITIONS or second in ("into", "each", "every")


def _without_puffs(tokens: list[str]) -> list[str]:
    """What is left when "powerful" goes: nothing of "Basic support", which is no support to boast of."""
    rest = tokens
    while rest and rest[0].lower().strip(",") in PUFFS:
        rest = rest[1:]
    if len(rest) > 1 or rest == tokens:
        return rest
    return tokens if tokens[0].lower() in TABLE["words"]["kept_alone"] else []


def _one_thing(tokens: list[str]) -> NounPhrase | None:
    """A noun with what stands before it, then perhaps "for ...", "in ...": the noun alone decides the article."""
    if tokens[0].lower() == "your" and tokens[1:2] == ["own"]:
        tokens = tokens[2:]
    if not tokens:
        return None
    at = _end_of_core(tokens)
    core, tail = tokens[:at], tokens[at:]
    if core == ["access"] and tail[1:] and not _is_complete(tail) and words.number_of(tail[-1]) == Number.COUNT:
        tail.insert(1, "the")
    named = _pair(core) if "and" in core else _named(core, tail)
    if not named or not _is_complete(tail):
        return None
    whole = " ".join([named.text, *tail])
    if core[0] == "1" and PERIOD.search(whole):
        return NounPhrase(PERIOD.sub(r" each \1", words.a(whole.removeprefix("1 "))), False)
    return NounPhrase(whole, named.is_plural)


def _end_of_core(tokens: list[str]) -> int:
    """Where "for ...", "in ..." or "a month" begins; "up to 5 users" and "5 to 7 bottles" are one."""
    line = " ".join(tokens).lower()
    found = ABOUT.match(line)
    start = len(found[0].split()) + 1 if found else 1
    for i in range(start, len(tokens)):
        if tokens[i].lower() in ("a", "an"):
            if tokens[i + 1 :] and tokens[i + 1].lower() in PERIODS:
                return i
        elif tokens[i].lower() in words.PREPOSITIONS:
            return i
    return len(tokens)


def _named(core: list[str], tail: list[str]) -> NounPhrase | None:
    """The noun with its article, if it needs one."""
    text = " ".join(core)
    first, noun = core[0].lower(), core[-1]
    if re.match(r"\d[\d.,]*\+?$", first) or ABOUT.match(text):
        return _counted(core, tail)
    if not _ends_in_a_noun(core, tail):
        return None
    if noun == "access" and first[0].isalpha() and text.removesuffix(" access").endswith(PLACES):
        extent, place = re.fullmatch(r"((?:full|unlimited|priority|off-peak|weekend) )?(.+) access", text).groups("")
        return NounPhrase(f"{extent}access to the {place}", False)
    number = words.number_of(noun)
    if first in words.DETERMINERS or number != Number.COUNT:
        return NounPhrase(text, number == Number.PLURAL)
    is_integration = noun in TABLE["words"]["takes_the"] and words.is_fixed(core[0])
    is_place = text.endswith(PLACES) and first not in OWN_PLACE
    return NounPhrase(f"the {text}" if is_integration or is_place else words.a(text), False)


def _ends_in_a_noun(core: list[str], tail: list[str]) -> bool:
    first, noun = core[0].lower(), core[-1]
    number = words.number_of(noun)
    if number is None or first == "limited":
        return False
    if len(core) == 1:
        return bool(tail) or words.is_known_alone(noun)
    if number == Number.PLURAL:
        return not re.search(r" \d+ ", " ".join(core))  # "open 7 days"
    before = core[-2]
    may_modify = before.lower() in PLURAL_MODIFIERS or "-" in before or words.is_fixed(before)
    return first in words.DETERMINERS or may_modify or words.number_of(before) != Number.PLURAL


def _counted(core: list[str], tail: list[str]) -> NounPhrase | None:
    """ "20 automations", "50 GB of storage"; not "4 personal training"."""
    text, number = " ".join(core), words.number_of(core[-1])
    if len(core) > 1 and (core[-1] in SIZES and tail[:1] == ["of"] or number == Number.PLURAL):
        return NounPhrase(text, True)
    if core[0] == "1" and number == Number.COUNT:
        return NounPhrase(words.a(" ".join(core[1:])) if core[1] in EVERY else text, False)
    return None


def _pair(core: list[str]) -> NounPhrase | None:
    """ "a manager and training"; "topic and subtopic labelling", where both belong to the last noun."""
    at = core.index("and")
    first, last = core[:at], core[at + 1 :]
    end = _named(last, []) if first and last and "and" not in last else None
    if not end:
        return None
    is_shared = len(first) == 1 or first[-1].lower() in CLAUSES["shares_a_noun"]
    if is_shared and len(last) > 1 and words.number_of(first[-1]) in (None, Number.COUNT):
        if end.text.split(" ", 1)[0] in ("a", "an"):
            return None
        the = "the " if end.text.startswith("the ") else ""
        return NounPhrase(f"{the}{' '.join(first)} and {end.text.removeprefix('the ')}", end.is_plural)
    start = _named(first, [])
    if start and start.text.startswith("the ") and end.text.startswith("the "):
        return NounPhrase(f"{start.text} and {end.text.removeprefix('the ')}", True)
    return NounPhrase(f"{start.text} and {end.text}", True) if start else None


def _is_complete(tail: list[str]) -> bool:
    """A countable noun without its article ("access to gym") or a missing word makes the whole a fault."""
    if tail[1:] and tail[0] in ("a", "an") and tail[1] in PERIODS:
        tail = tail[2:]
    if not tail:
        return True
    if tail[-1].lower() in words.SMALL:
        return False
    if tail[0].lower() in ("every", "each", "a", "an", "per", "by", "as", "once", "twice", "on"):
        return len(tail) > 1
    if "+ " in " ".join([*tail, ""]):
        return False
    for token in tail[1:]:
        if token.lower() in words.DETERMINERS or token[0].isdigit():
            return True
    return words.number_of(tail[-1]) != Number.COUNT or words.is_fixed(tail[-1])


def is_foreign(line: str) -> bool:
    """By its words, their endings and letters: a small test for short lines."""
    found = re.findall(r"[^\W\d_][\w'’]*", line)
    inside = set(map(str.lower, found)) - ALSO_ENGLISH | ALSO_ENGLISH.intersection(found[1:])
    if inside & GERMAN or _has_word_of_another(inside):
        return True
    if found[1:] and GERMAN_ADJECTIVE.match(found[0].lower()) or re.fullmatch(r"\w+(-[A-Z]\w+)*-[A-Z][a-z]+", line):
        return True
    return not "".join(inside - LOANWORDS).replace("’", "").isascii()


def _has_word_of_another(inside: set[str]) -> bool:
    """Whether one of the words is neither English nor German."""
    return bool(inside & OTHER) or any(map(OTHER_ENDINGS.match, inside))


def foreign_phrase(line: str) -> NounPhrase | None:
    """As it is written, where that is certain: German nouns keep their capitals, and nothing gets an article."""
    if re.search(r"[:;?!/\"]|^\d+ (pro|par|por|per)\b", line):
        return None
    tokens = line.replace("&", "und").split()
    first = tokens[0].lower()
    if _has_word_of_another(set(map(str.lower, tokens))):
        is_certain = re.match(LANGUAGES["other_opener"], line.lower()) and "," not in line
        return NounPhrase(first + line[len(first) :], True) if is_certain else None
    if re.search(r"(?![\0-\u024f])[^\W\d_]", line):  # letters that are not Latin
        return NounPhrase(line, False) if re.fullmatch(r"[\u3400-\u9fff\uac00-\ud7af ]+", line) else None
    has_adjective = GERMAN_ADJECTIVE.match(first) and tokens[1:] and tokens[1][0].isupper()
    if tokens[-1][:1].islower() or first in LANGUAGES["german_clause"]:
        return None
    if any(map(re.compile(LANGUAGES["german_verb"]).match, tokens[1:])):
        return None
    if has_adjective and "und" in tokens or (len(tokens) == 1 and "-" not in first):
        return None
    if has_adjective or first in LANGUAGES["german_small"]:
        tokens[0] = first
    return NounPhrase(" ".join(tokens), False)

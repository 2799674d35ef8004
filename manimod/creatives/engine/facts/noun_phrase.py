"""How a line of a price list stands in the middle of a sentence: "Dedicated success manager" as "a dedicated success
manager". Nothing, where the line is a sentence or a command, or where its grammar can't be decided."""

import itertools
import re
from dataclasses import dataclass

from manimod.creatives.engine.facts import words
from manimod.creatives.engine.facts.words import TABLE, VERBS, WORDS, Number

PHRASES = TABLE["phrases"]
REPLACED = {name.lower(): name for name in WORDS["brands"] if re.search("[a-z][A-Z]", name)}  # Wordpress
REPLACED |= PHRASES["replaced"]
PLACES = tuple(PHRASES["places"])
# One of the places alone, or to what extent: "full gym access".
PLACE_ACCESS = re.compile(rf"((?:full|unlimited|off-peak|weekend) )?((?:private .*)?(?:{'|'.join(PLACES)})) access")
MADE_OF_A_VERB = re.compile(PHRASES["made_of_a_verb"])
FIXED_END = re.compile(rf"(?:^| )(?:{'|'.join(PHRASES['fixed_ends'])})$")
PREPOSITIONS, DETERMINERS = WORDS["prepositions"], WORDS["determiners"]
# What links the parts of "in the app for teams and clients"; "twice a year" is two of them.
LINKS = re.compile(rf"(?:^|(?<= ))({'|'.join(map(re.escape, PREPOSITIONS | {'and', 'or'}))})(?: |$)")
TAKES_ANY = ("a", "an", "every", "each", "by", "as", "once", "twice")
# Signs with which a line is more than a name: "Support: email", "Save - 10 a month", "4 / 8 GB", quotation marks.
UNUSUAL_SIGNS = re.compile(r"[:;?!\"“”…/]\s|\s[-–—/|]|[?!\"“”…]|(?<!\w)['‘]")
# What the seller calls a thing of its own.
HOUSE_NAME = re.compile(rf"((?i:access to )?)((?:[A-Z]\S* )+(?:{'|'.join(map(str.title, WORDS['house_names']))}))")
ABOUT = re.compile(
    r"(up to|over|more than|at least|about|around|nearly|almost|\d+ to) (?=\d|(two|three|four|five|six|ten)\b)", re.I
)
MEASURE = re.compile(r"\d (?:hours?|minutes?|days?|weeks?|months?|years?) \w")
CONTRACTION = re.compile(r"(?:n['’]t|['’]ll)(?: |$)")
EVERY = ("weekly", "monthly", "quarterly", "yearly", "annual")
PERIODS = ("hour", "day", "week", "month", "quarter", "year", "shipment", "delivery", "visit", "order", "session")
PERIOD = re.compile(r" an? (day|week|month|quarter|year)$")
PAST = re.compile(r"\w+ (?:to|by|from|with|in|on|at)\b")  # "four cheeses, cut to order"
OFTEN = re.compile(r"[\d.,]+\+? |all |every |each ")
LONGEST = 60  # characters: what is longer leaves no room for a sentence around it


@dataclass(frozen=True)
class NounPhrase:
    text: str
    is_plural: bool


def noun_phrase(line: str) -> NounPhrase | None:
    """Takes a clean line in English, without brackets, its amount written out ("up to 20 users", "30-day logs")."""
    if fixed := PHRASES["fixed"].get(line.lower()):
        return NounPhrase(fixed, fixed.endswith("s"))
    if sizes := re.match(r"((?:\d+, )*\d+),? or (?=\d)", line):  # "3, 6 or 12 bottles"
        largest = noun_phrase(line[sizes.end() :])
        return NounPhrase(f"{sizes[1]} or {largest.text}", True) if largest else None
    tokens = _without_puffs([REPLACED.get(word.lower(), word) for word in line.split()])
    if not tokens or UNUSUAL_SIGNS.search(" ".join(tokens)):
        return None
    found = HOUSE_NAME.fullmatch(" ".join(tokens))
    if found and tokens[0].lower() not in words.ADJECTIVES:  # "the Kids Club", "access to the Partner Network"
        return NounPhrase(f"{found[1].lower()}the {found[2]}", False)
    if is_clause(tokens) or words.may_hold_a_name(tokens):
        return None
    if tokens[-1] in EVERY and tokens[-2].removesuffix("s") in words.COUNT:  # "team calls monthly"
        tokens = [tokens[-1], *tokens[:-2], tokens[-2].removesuffix("s")]
    return _list_of_things(_items(" ".join(words.lowered(tokens))))


def _list_of_things(items: list[str]) -> NounPhrase | None:
    if len(items) > 2 and _share_the_last_noun(items):
        return NounPhrase(_listed(items), True)
    if any(map(OFTEN.match, items[1:])) and not re.match(r"[\d.,]+\+? ", items[0]):  # "barista coffee, all day"
        return None
    if any(map(PAST.match, items[1:])):
        return None
    names, is_plural = [], len(items) > 1
    for item in items:
        thing = _one_thing(item.split())
        if not thing:
            return None
        names.append(thing.text)
        is_plural = is_plural or thing.is_plural
    text = _listed(names)
    return NounPhrase(text, is_plural) if 0 < len(text) <= LONGEST else None


def _without_puffs(tokens: list[str]) -> list[str]:
    """What is left when "powerful" goes: nothing of "Basic support", which is no support to boast of."""
    rest = tokens
    while rest and rest[0].lower().strip(",") in WORDS["puffs"]:
        rest = rest[1:]
    if len(rest) > 1 or rest == tokens:
        return rest
    return tokens if tokens[0].lower() in PHRASES["kept_alone"] else []


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
    if " " not in last or " " in "".join(others) or Number.PLURAL in map(words.number_of, others):
        return False
    return words.number_of(last.split()[-1]) in (Number.MASS, Number.PLURAL)


# --- sentences and commands -------------------------------------------------------------------------------------------


def is_clause(tokens: list[str]) -> bool:
    """Whether the line is a sentence or a command: "Drafts replies", "Access all sounds", "Hosted in Frankfurt"."""
    lower = _bare(tokens)
    first, last = lower[0], lower[-1]
    if WORDS["clauses"].intersection(lower) or CONTRACTION.search(" ".join(lower)):
        return True
    if _is_adverb(first) or _is_adverb(last):
        return True
    if first in PREPOSITIONS - DETERMINERS and not ABOUT.match(" ".join(lower)):
        return True
    return _ends_in_a_participle(tokens) or is_command(tokens) or _is_statement(tokens)


def _ends_in_a_participle(tokens: list[str]) -> bool:
    """ "Bikes covered abroad", "Delivered Thursdays"; but not "as needed"."""
    if len(tokens) == 2 and words.PARTICIPLE.fullmatch(tokens[0].lower()) and words.is_fixed(tokens[1]):
        return True
    for before, word, following in zip(["", *tokens], _bare(tokens), [*tokens[1:], "to"], strict=False):
        if following in PREPOSITIONS and before != "as" and words.PARTICIPLE.fullmatch(word):
            return True
    return False


def _bare(tokens: list[str]) -> list[str]:
    return [token.lower().strip(",.") for token in tokens]


def _is_adverb(word: str) -> bool:
    last = word.rsplit("-", 1)[-1]
    return word.endswith("ly") and last not in words.ADJECTIVES | WORDS["not_adverbs"]


def is_command(tokens: list[str]) -> bool:
    """ "Remove branding", "Access all sounds", "Plan, track and report"; not "Access to all", "Print edition"."""
    first, second, third, fourth, *_ = _bare([*tokens, "", "", "", ""])
    if first not in VERBS:
        return False
    if first not in WORDS["also_nouns"] or second in WORDS["after_a_verb"] or second[:1].isdigit():
        return True
    if first in WORDS["noun_before_noun"] or not second:
        return False
    if tokens[0].endswith(",") or tokens[1].isupper():  # "Plan, track and report", "Export PDF"
        return second in VERBS or tokens[1].isupper()
    if second in ("and", "&"):
        return third in VERBS and bool(fourth)
    if third in ("to", "into", "with"):  # "Export contacts to CSV"
        return True
    if second in WORDS["after_a_noun"] or MADE_OF_A_VERB.search(second):
        return False
    return words.number_of(second) != Number.COUNT or (bool(third) and third not in PREPOSITIONS)


def _is_statement(tokens: list[str]) -> bool:
    """ "Blocks cold emails", "Sorts and labels every email"; not "Blocks of ten", "Notes and files"."""
    first, second, *rest = _bare([*tokens, ""])
    stems = (first[:-1], first[:-2], first[:-3] + "y") if first.endswith("s") else ()
    if not second:
        return False
    if first in WORDS["statements"]:
        return True
    if not VERBS.intersection(stems):
        return False
    if second in ("and", "&") or tokens[0].endswith(","):
        return bool(WORDS["after_a_verb"].intersection(rest))
    return second not in PREPOSITIONS or second in ("into", "each", "every")


# --- one thing with its article ---------------------------------------------------------------------------------------


def _one_thing(tokens: list[str]) -> NounPhrase | None:
    """A noun with what stands before it, then perhaps "for ...", "in ...": the noun alone decides the article."""
    if tokens[:2] == ["your", "own"]:
        tokens = tokens[2:]
    if not tokens or not (tokens[0][0].isdigit() or words.is_known(tokens[0])):
        return None
    at = _end_of_core(tokens)
    core, tail = tokens[:at], tokens[at:]
    if core == ["access"] and not _is_complete(tail) and words.number_of(tail[-1]) == Number.COUNT:
        tail.insert(1, "the")  # "access to the gym"
    named = _pair(core) if "and" in core else _named(core, tail)
    if not named or not _is_complete(tail):
        return None
    whole = " ".join([named.text, *tail])
    if core[0] == "1" and PERIOD.search(whole):
        return NounPhrase(PERIOD.sub(r" each \1", words.a(whole.removeprefix("1 "))), False)
    return NounPhrase(whole, named.is_plural)


def _end_of_core(tokens: list[str]) -> int:
    """Where "for ...", "in ..." or "a month" begins; "up to 5 users" and "5 to 7 bottles" are one."""
    found = ABOUT.match(" ".join(tokens))
    start = len(found[0].split()) + 1 if found else 1
    for i in range(start, len(tokens)):
        if tokens[i] in ("a", "an"):
            if tokens[i + 1 :] and tokens[i + 1] in PERIODS:
                return i
        elif tokens[i] in PREPOSITIONS:
            return i
    return len(tokens)


def _named(core: list[str], tail: list[str]) -> NounPhrase | None:
    """The noun with its article, if it needs one."""
    text = " ".join(core)
    first, noun = core[0], core[-1]
    if re.match(r"\d[\d.,]*\+?$", first) or ABOUT.match(text):
        return _counted(core, tail)
    if noun in PHRASES["takes_the"] and words.is_fixed(first):
        return NounPhrase(f"the {text}", False)
    if not _ends_in_a_noun(core, tail):
        return None
    if noun == "access" and text.removesuffix(" access").endswith(PLACES) and first[0].isalpha():
        found = PLACE_ACCESS.fullmatch(text)
        return NounPhrase(f"{found[1] or ''}access to the {found[2]}", False) if found else None
    number = words.number_of(noun)
    if first in WORDS["definite"]:
        return NounPhrase(f"the {text}", number == Number.PLURAL)
    if first in DETERMINERS or number != Number.COUNT:
        return NounPhrase(text, number == Number.PLURAL)
    is_place = text.endswith(PLACES) and first not in PHRASES["own_place"]
    return NounPhrase(f"the {text}" if is_place else words.a(text), False)


def _ends_in_a_noun(core: list[str], tail: list[str]) -> bool:
    """Whether the last word is sure to be a noun, and to be had: no command, no label with a figure, no damage."""
    first, noun = core[0], core[-1]
    number = words.number_of(noun)
    if number is None or (WORDS["risks"].intersection(core) and noun not in WORDS["protects"]):
        return False
    if DETERMINERS.intersection(core[1:]):  # "AI saves your drafts"
        return False
    for before, token in itertools.pairwise(core):  # "speed 500Mbps", "open 7 days"; but "SOC 2 report"
        if re.match(r"\d(?!.*-)", token) and not words.is_fixed(before):
            return False
    if first in ("limited", "own") or (first == "unlimited" and number == Number.COUNT):
        return False
    if len(core) == 1:
        return _stands_alone(noun, tail)
    before = core[-2]
    may_modify = before in WORDS["plural_modifiers"] or "-" in before or words.is_fixed(before)
    return first in DETERMINERS or may_modify or words.number_of(before) != Number.PLURAL


def _stands_alone(noun: str, tail: list[str]) -> bool:
    """A line of one word needs more than an ending to be taken for English; "logo on the wall" wants "your"."""
    if tail:  # "ironing up to 20 items", "story of each dairy"
        is_unsure = tail[0] == "up" or (tail[0] == "of" and tail[1:2] in (["the"], ["each"], ["every"], ["your"]))
        return noun not in WORDS["yours"] and not is_unsure
    if words.number_of(noun) == Number.PLURAL or words.is_fixed(noun) or noun in words.KNOWN:
        return True
    return bool(words.PARTICLE.search(noun))


def _counted(core: list[str], tail: list[str]) -> NounPhrase | None:
    """ "20 automations", "50 GB of storage"; not "4 personal training"."""
    text, number = " ".join(core), words.number_of(core[-1])
    if MEASURE.search(text):  # "20 hours premium voices"
        return None
    if len(core) > 1 and (core[-1] in PHRASES["sizes"] and tail[:1] == ["of"] or number == Number.PLURAL):
        return NounPhrase(text, True)
    if core[0] == "1" and number == Number.COUNT:
        return NounPhrase(words.a(" ".join(core[1:])) if core[1] in EVERY else text, False)
    return None


def _pair(core: list[str]) -> NounPhrase | None:
    """ "a manager and training"; "topic and subtopic labelling", where both belong to the last noun."""
    at = core.index("and")
    first, last = core[:at], core[at + 1 :]
    end = _named(last, []) if first and last and "and" not in last else None
    if not end or last[0] in VERBS - WORDS["noun_before_noun"]:
        return None
    counts = words.number_of(first[-1]) in (None, Number.COUNT)
    is_shared = len(first) == 1 or first[-1] in WORDS["shares_a_noun"]
    if is_shared and counts and len(last) > 1:
        if end.text.startswith(("a ", "an ")):
            return None
        the = "the " if end.text.startswith("the ") else ""
        return NounPhrase(f"{the}{' '.join(first)} and {end.text.removeprefix('the ')}", end.is_plural)
    if counts and len(last) > 1 and not _begins_anew(last[0]):  # "locker room and shower access"
        return None
    if len(last) == 1 and words.number_of(last[0]) == Number.COUNT:  # "scale and polish"
        return None
    start = _named(first, [])
    return NounPhrase(f"{start.text} and {end.text}", True) if start else None


def _begins_anew(word: str) -> bool:
    return word in words.ADJECTIVES | DETERMINERS or bool(words.PARTICIPLE.fullmatch(word))


def _is_complete(tail: list[str]) -> bool:
    """Whether each noun of what follows can stand as it is: not "to gym", "of locker and showers", "for"."""
    rest = FIXED_END.sub("", " ".join(tail)).replace(",", "")
    if not rest:
        return True
    _, *parts = LINKS.split(rest)  # "for", "teams", "and", "clients"
    for opener, named, closer in zip(parts[::2], parts[1::2], [*parts[2::2], ""], strict=True):
        if named.strip() and not _stands_after(opener, named.split(), closer):
            return False
    return bool(parts[-1].strip())


def _stands_after(opener: str, segment: list[str], closer: str) -> bool:
    first, noun = segment[0], segment[-1]
    number = words.number_of(noun)
    if first not in DETERMINERS and re.search(r" \d", " ".join(segment)):  # "to pool 7 days"
        return False
    if opener in ("a", "an") and first in PERIODS and segment[1:]:  # "2 hours a month content edits"
        return False
    if opener == "per":
        return number == Number.COUNT
    if opener in TAKES_ANY or first in DETERMINERS or first[0].isdigit():
        return True
    if noun[0].isupper() or words.is_fixed(noun):  # "with Slack", but not "with PIN"
        return not (noun.isupper() and number == Number.COUNT)
    if closer in ("and", "or") and noun in WORDS["shares_a_noun"]:
        return True
    return number in (Number.MASS, Number.PLURAL)

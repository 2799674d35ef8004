"""A language model as the copywriter: it writes phrases, the copywriter fits them, and the same policy judges them.

The model writes as the phrase library does: names and facts stand only in slots, which are filled in here. Each line is
judged by itself, by what it states and by the rules. The scorer ranks what is left beside the built-in drafts, and
whatever goes wrong, the built-in copywriter has written the set already. The model is told about an audience, never
about a person.
"""

import json
import re
import tomllib
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Thread

from manimod.creatives.engine.brief import Brief, ClaimKind, CreativeSet, LanguageModel, ModelSkipped
from manimod.creatives.engine.copy import claims, copywriter
from manimod.creatives.engine.copy.angles import ANGLES, Angle
from manimod.creatives.engine.copy.library import SLOT, Template
from manimod.creatives.engine.copy.phrase_selection import Material
from manimod.creatives.engine.copy.plan_names import HOSTILE
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.policy.rules import ALL, WARN, pattern
from manimod.lifecycle import KINDS, Segment

SECONDS = 20.0
MAX_LINES = 12  # of a kind that are looked at
MINOR_RULES = {"LEN-01", "EDT-11"}  # warnings that the copywriter settles when it fits a line to a placement
SENTENCE_START = re.compile(r"(^|[.?:] )\w")
# "Dana, ..." or "Dana's ...", but not "It's ...".
ADDRESSES_SOMEBODY = re.compile(r"(?:^|[.?:] )(?!(?:it|here|what|let|that|there)['’])\w+(?:,|['’]s\b)", re.IGNORECASE)
_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
LINE_KINDS = _TABLES["kinds"]


def write(brief: Brief, model: LanguageModel, seconds: float = SECONDS) -> CreativeSet:
    """The creative set of a brief, in the model's lines where it gives lawful ones in time. Raises NoLegalCopy."""
    built_in = copywriter.prepare(brief)
    plain = copywriter.compose(built_in)
    asked, refused = [variant.angle for variant in plain.variants], 0
    written = {(angle_id, part): [] for angle_id in asked for part in LINE_KINDS}
    try:
        answer = _ask(built_in, asked, model, seconds)
        for angle_id, parts in answer.items():
            for part, texts in parts.items():
                for text in texts[:MAX_LINES]:
                    template = lawful_template(text.strip(), part, ANGLES[angle_id], built_in)
                    if template:
                        written[angle_id, part].append(template)
                    else:
                        refused += 1
        if not any(written.values()):
            raise ModelSkipped("its lines broke the rules")
        try:
            made = copywriter.compose(replace(built_in, written=written))
        except copywriter.NoLegalCopy:
            raise ModelSkipped("its ads broke the rules") from None
    except ModelSkipped as why:
        reason = f"Written by mani. The language model {model.name} was not used: {why}."
        return replace(plain, reasons=(*plain.reasons, reason))
    reason = f"Written by mani with lines from {model.name}; every line passed the same rules."
    if refused:
        reason += f" {refused} of its lines broke a rule and were left out."
    return replace(made, reasons=(*made.reasons, reason), writer=f"mani + {model.name}")


def _ask(material: Material, angle_ids: list[str], model: LanguageModel, seconds: float) -> dict:
    """The model's answer, {angle id: {kind: [line, ...]}}. Raises ModelSkipped, at the latest when the time is over.

    It is told the audience, the brand and what the account has approved, and nothing else. Even a name server may hang,
    so the question is asked in a thread of its own, which is left to itself after that.
    """
    try:
        from manimod.creatives.engine import llm_client  # takes a second or two
    except ImportError:
        raise ModelSkipped("its client is not installed (`make llm` does that)") from None
    brief, asked, outcome = material.brief, [], Future()
    for angle in map(ANGLES.get, angle_ids):
        examples = [material.templates(angle, part)[0].text for part in LINE_KINDS]
        asked.append({"id": angle.id, "angle": angle.name, "slots": _slots(angle, material), "examples": examples})
    question = {
        "tone": _TABLES["tones"][brief.brand.tone],
        "banned words": brief.brand.banned_terms,
        "audience": KINDS[brief.event].situation,
        "goal": _TABLES["goals"][brief.objective],
        "value": Segment(brief.segment).label if brief.segment else None,
        "may be stated": [kind.label for kind in ClaimKind if material.held[kind]],
        "angles": asked,
    }
    texts = (_TABLES["instructions"], json.dumps(question, ensure_ascii=False))

    def run() -> None:
        try:
            outcome.set_result(llm_client.ask(model, *texts, angle_ids, LINE_KINDS, seconds))
        except Exception as error:
            outcome.set_exception(error)

    Thread(target=run, name="language-model", daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        raise ModelSkipped(f"it took longer than {seconds:g} seconds") from None


def _slots(angle: Angle, material: Material) -> dict[str, str]:
    """Each slot that has something to stand for, as the model is told of it."""
    filling = material.filling(angle)
    slots = {name: value for name, value in filling.names.items() if value}
    for pool, facts in filling.facts.items():
        for number, fact in zip(("", 2, 3, 4), facts, strict=False):
            slots[f"{pool}{number}"] = fact.phrase or fact.text
    return slots


def lawful_template(text: str, part: str, angle: Angle, material: Material) -> Template | None:
    """The line as a template of the library, or None. Stricter than the policy: nearly every warning counts, all names
    and facts have to come from the slots, and all that its words state has to stand."""
    slots = _slots(angle, material)
    outside = SLOT.sub(lambda slot: "–" if slot[0][1:-1] in slots else slot[0], text)
    if HOSTILE.search(outside) or "!" in outside or pattern("model").search(outside) or claims.is_avoided(outside):
        return None
    has_name_or_figure = any(c.isupper() or c.isnumeric() for c in SENTENCE_START.sub("", outside))
    if has_name_or_figure or ADDRESSES_SOMEBODY.search(outside):
        return None
    template = Template.parse(text, list(claims.stated_by(text)))
    if not all(material.held[kind] for kind in template.claims):
        return None
    filled = template.fill(material.filling(angle))
    if filled is None or not 0 < len(filled[0]) <= LINE_KINDS[part]["max_length"]:
        return None
    places = [(ALL, part)]
    for placement in PLACEMENTS.values():
        places.append((placement.id, part))
        places += [(placement.id, field.name) for field in placement.fields.values() if field.filled_by == part]
    for placement_id, name in places:
        for finding in policy.check_text(filled[0], name, placement_id, material.context):
            if finding.rule_id not in MINOR_RULES or finding.severity != WARN:
                return None
    return template

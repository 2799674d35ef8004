"""A language model as the copywriter: it writes phrases, the copywriter fits them, and the same policy judges them.

The model writes as the phrase library does: names and facts stand only in slots, which are filled in here. Each line is
judged by itself; where too few are left, the built-in phrases fill up, and whatever goes wrong, the built-in
copywriter has written the set already. The model is told about an audience, never about a person.
"""

import json
import re
import tomllib
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Thread

from manimod.creatives.engine.brief import Brief, CreativeSet, LanguageModel, ModelSkipped
from manimod.creatives.engine.copy import copywriter
from manimod.creatives.engine.copy.angles import ANGLES
from manimod.creatives.engine.copy.phrase_selection import Phrase, PhraseSelection
from manimod.creatives.engine.copy.plan_names import HOSTILE
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.policy.rules import ALL, WARN, PolicyContext, pattern
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
    written, refused = {}, 0
    try:
        answer = _ask(built_in, [variant.angle for variant in plain.variants], model, seconds)
        for angle_id, kinds in answer.items():
            angle = ANGLES[angle_id]
            for kind, texts in kinds.items():
                for text in texts[:MAX_LINES]:
                    text = text.strip().rstrip("." if kind == "short" else "")
                    if is_lawful(text, kind, built_in.slots(angle), built_in.context):
                        key = (angle.id, angle.closing, True) if kind == "closing" else (angle.id, kind, False)
                        written.setdefault(key, []).append(Phrase.parse(text).fill(built_in.slots(angle)))
                    else:
                        refused += 1
        if not written:
            raise ModelSkipped("its lines broke the rules")
        made = copywriter.compose(replace(built_in, written=written))
    except (ModelSkipped, copywriter.NoLegalCopy) as error:
        why = error if isinstance(error, ModelSkipped) else "its ads broke the rules"
        reason = f"Written by mani. The language model {model.name} was not used: {why}."
        return replace(plain, reasons=(*plain.reasons, reason))
    reason = f"Written by mani with lines from {model.name}; every line passed the same rules."
    if refused:
        reason += f" {refused} of its lines broke a rule and were left out."
    return replace(made, reasons=(*made.reasons, reason), writer=f"mani + {model.name}")


def _ask(phrases: PhraseSelection, angle_ids: list[str], model: LanguageModel, seconds: float) -> dict:
    """The model's answer, {angle id: {kind: [line, ...]}}. Raises ModelSkipped, at the latest when the time is over.

    It is told the audience, the brand and what the account has approved, and nothing else. Even a name server may hang,
    so the question is asked in a thread of its own, which is left to itself after that.
    """
    try:
        from manimod.creatives.engine import llm_client  # takes a second or two
    except ImportError:
        raise ModelSkipped("its client is not installed (`make llm` does that)") from None
    brief, asked, outcome = phrases.brief, [], Future()
    for angle in map(ANGLES.get, angle_ids):
        slots = {name: value for name, value in phrases.slots(angle).items() if value}
        examples = [phrases.unfilled(angle, kind)[0].text for kind in ("short", "headline", "body")]
        asked.append({"id": angle.id, "angle": angle.name, "slots": slots, "examples": examples})
    question = {
        "tone": _TABLES["tones"][brief.brand.tone],
        "banned words": brief.brand.banned_terms,
        "audience": KINDS[brief.event].situation,
        "goal": _TABLES["goals"][brief.objective],
        "value": Segment(brief.segment).label if brief.segment else None,
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


def is_lawful(text: str, kind: str, slots: dict[str, str | None], context: PolicyContext) -> bool:
    """Stricter than the policy: nearly every warning counts, and all names and facts have to come from the slots."""
    outside = text  # the slots
    for name in filter(slots.get, slots):
        outside = outside.replace(f"{{{name}}}", "–")
    if HOSTILE.search(outside) or "!" in outside or pattern("model").search(outside):
        return False
    has_name_or_figure = any(c.isupper() or c.isnumeric() for c in SENTENCE_START.sub("", outside))
    if has_name_or_figure or ADDRESSES_SOMEBODY.search(outside):
        return False
    line = Phrase.parse(text).fill(slots).text
    if not 0 < len(line) <= LINE_KINDS[kind]["max_length"]:
        return False
    filled_by = LINE_KINDS[kind]["fills"]
    findings = policy.check_text(line, filled_by, ALL, context)
    for placement in PLACEMENTS.values():
        for field in placement.fields.values():
            if field.filled_by == filled_by:
                findings += policy.check_text(line, field.name, placement.id, context)
    return all(finding.rule_id in MINOR_RULES and finding.severity == WARN for finding in findings)

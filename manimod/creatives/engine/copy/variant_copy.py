"""The texts of one ad. Each placement gets a phrase that fits it; nothing is ever cut off."""

import re
from collections.abc import Sequence

from manimod.creatives.engine.brief import Brief, PlatformCopy, Variant
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.phrase_selection import FilledPhrase, PhraseSelection
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.policy.platforms import CTA_SUITS, Field, Placement, call_to_action

MAX_PICTURE_HEADLINE = 60  # characters a canonical headline should have at most: it is drawn in the picture too
MAX_PICTURE_BODY = 150
MAX_SHORT_BODY = 90
MAX_SIMILARITY = 0.5  # share of equal words above which another phrase is looked for
LANDING_PATHS = {"retention": "your-plan", "upsell": "next-step", "winback": "welcome-back"}


class VariantCopy:
    """Canonical headline and body first, then each placement fitted around them. `others`: the variants so far."""

    def __init__(self, brief: Brief, phrases: PhraseSelection, angle: Angle, others: Sequence[Variant]) -> None:
        self.brief, self.phrases, self.angle, self.others = brief, phrases, angle, others
        self.shorts = phrases.lines(angle, "short")
        self.headlines = phrases.lines(angle, "headline")
        self.bodies = phrases.lines(angle, "body")
        is_suitable = angle.call_to_action in CTA_SUITS[brief.objective]
        self.call_to_action = angle.call_to_action if is_suitable else "LEARN_MORE"
        self.disclaimer = brief.brand.disclaimer.strip()
        used = {variant.headline for variant in others}
        headline = _pick([line for line in self.headlines if line.text not in used], MAX_PICTURE_HEADLINE)
        self.headline = headline.text
        self.core, self.body = self._choose_body(must_name_tier=bool(phrases.tier) and not headline.names_tier)

    def placement(self, placement: Placement) -> PlatformCopy | None:
        """The placement's texts, or None where the disclaimer or the brand's name leaves no room for them."""
        limits = [field.target for field in placement.fields.values() if field.filled_by == "short"]
        shorts = self._short_lines(min(limits)) if limits else []
        texts = {}
        for field in placement.fields.values():
            lines = self._lines_for(field, shorts)
            if not lines and field.filled_by in ("body", "name"):
                return None
            shorts = [line for line in shorts if line not in lines]
            texts[field.name] = tuple(lines)
        return PlatformCopy(texts, call_to_action(self.call_to_action, placement.id))

    def _lines_for(self, field: Field, shorts: list[str]) -> list[str]:
        brand, tier = self.brief.brand.name, self.phrases.tier
        match field.filled_by:
            case "short":
                if not field.end_mark:  # such headlines do not repeat the brand's name either
                    shorts = [line for line in shorts if line[-1] not in ".!?" and line.casefold() != brand.casefold()]
                return shorts[: field.count]
            case "headline":
                return [self._fit_headline(field.target)]
            case "body" if field.lines[1] > 1:
                return self._descriptions(field.count)
            case "body":
                body = self._fit_body(field.target)
                return [body] if len(body) <= field.hard else []
            case "name":
                name = fitting_name(brand, field.hard)
                return [name] if name else []
            case "path":
                paths = [slug(tier.name) if tier else "", LANDING_PATHS[self.brief.objective]]
                return [path for path in paths if 0 < len(path) <= field.hard]
        raise ValueError(f"platforms.toml: nothing is known about {field.filled_by!r}")

    def _choose_body(self, must_name_tier: bool) -> tuple[FilledPhrase, str]:
        """The first fitting phrase that does not share most of its words with the set's other variants, and the same
        with a closing."""
        candidates = [line for line in self.bodies if line.contains_fact] or self.bodies
        preferred = _pick(candidates, MAX_SHORT_BODY, must_name_tier)
        limit = max(MAX_SHORT_BODY, len(preferred.text))
        for phrase in (preferred, *candidates):
            if len(phrase.text) > limit or (must_name_tier and not phrase.names_tier):
                continue
            body = self._with_closing(phrase.text)
            own = f"{self.headline} {body}"
            if all(similarity(own, f"{v.headline} {v.body}") <= MAX_SIMILARITY for v in self.others):
                return phrase, body
        return preferred, self._with_closing(preferred.text)

    def _with_closing(self, text: str) -> str:
        """The text with the segment's sentence after it, one that no other variant of the set uses."""
        for closing in self.phrases.closings(self.angle):
            full = f"{text} {closing.text}"
            is_echo = content_words(text) & content_words(closing.text)
            is_used = any(closing.text in variant.body for variant in self.others)
            if len(full) <= MAX_PICTURE_BODY and not is_echo and not is_used:
                return full
        return text

    def _fit_body(self, limit: int) -> str:
        """The canonical body, its first part, or another phrase of the angle: the first that fits, with the
        disclaimer."""
        room = limit - (len(self.disclaimer) + 1 if self.disclaimer else 0)
        text = _first_fitting(self.body, [self.core, *self.bodies], room)
        return f"{text} {self.disclaimer}".strip()

    def _fit_headline(self, limit: int) -> str:
        """The canonical headline, another of the angle, or a short one: the first that fits."""
        return _first_fitting(self.headline, [*self.headlines, *self.shorts], limit)

    def _short_lines(self, limit: int) -> list[str]:
        """Short headlines that fit, those with the tier first."""
        own = sorted(self.shorts, key=lambda line: not line.names_tier)
        of_segment = self.phrases.segment_shorts(self.angle)[:2]
        return _different_texts([*own[:4], *of_segment, *own[4:], *self.headlines], limit)

    def _descriptions(self, count: int) -> list[str]:
        """Short bodies, those with a fact and then those with the tier first; the disclaimer last."""
        lines = sorted([self.core, *self.bodies], key=lambda line: (not line.contains_fact, not line.names_tier))
        texts = _different_texts(lines, MAX_SHORT_BODY)
        if not self.disclaimer:
            return texts[:count]
        return [*texts[: count - 1], self.disclaimer] if len(self.disclaimer) <= MAX_SHORT_BODY else []


def _pick(lines: list[FilledPhrase], limit: int, must_name_tier: bool = False) -> FilledPhrase:
    """The first line that fits and, if it must, names the tier; failing that the shortest that names it."""
    named = [line for line in lines if line.names_tier or not must_name_tier] or lines
    return next((line for line in named if len(line.text) <= limit), min(named, key=lambda line: len(line.text)))


def _first_fitting(text: str, others: list[FilledPhrase], limit: int) -> str:
    """The text or the first of the others that fits; failing that the shortest."""
    texts = [text, *(line.text for line in others)]
    return next((text for text in texts if len(text) <= limit), min(texts, key=len))


def _different_texts(lines: list[FilledPhrase], limit: int) -> list[str]:
    return list(dict.fromkeys(line.text for line in lines if len(line.text) <= limit))


def similarity(one: str, other: str) -> float:
    """The share of the shorter text's different words that the other one has too, 0..1."""
    a, b = (set(re.findall(r"\w+", text.casefold())) for text in (one, other))
    return len(a & b) / max(1, min(len(a), len(b)))


def content_words(text: str) -> set[str]:
    """The words that the ear notices when they come twice."""
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) > 4 or word in ("talk", "easy", "step")}


def fitting_name(name: str, limit: int) -> str | None:
    """The brand's name, or as many of its leading words as fit; None where even the first does not."""
    words = name.split()
    while words and len(" ".join(words)) > limit:
        words.pop()
    return " ".join(words).rstrip(" ,&-") or None

"""The texts of one ad for each placement: every text fits as it is, nothing is ever cut off."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from manimod.creatives.engine.brief import Claim, ClaimKind, PlatformCopy
from manimod.creatives.engine.copy import claims
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.library import FilledLine, Template, capitalised, without_article
from manimod.creatives.engine.copy.phrase_selection import Draft, Material
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.policy.platforms import CTA_MAP, PLACEMENTS, Field, Placement, greatest_length

MAX_SHORT = 30  # characters of Google's short headlines
MAX_SHORT_BODY = 90
ALTERNATIVES = 10  # other lines of an angle that are filled for its placements
MAX_FACTS = 6  # that are short headlines of their own
LANDING_PATHS = {"retention": "your-plan", "upsell": "next-step", "winback": "plans"}
NAME = Template.parse("{tier}")


class Fitted(NamedTuple):
    """Each placement's texts, all that they state, and a sentence for each placement that is left out."""

    platforms: dict[str, PlatformCopy]
    claims: tuple[Claim, ...]
    left_out: list[str]


class LeftOut(Exception):
    """Why a placement gets no texts, in plain words."""


class Fitting:
    """One draft, and the other lines that say what it says, to be fitted to placements."""

    def __init__(self, material: Material, angle: Angle, draft: Draft, call_to_action: str) -> None:
        self.material, self.angle, self.draft, self.call_to_action = material, angle, draft, call_to_action
        self.disclaimer = material.brief.brand.disclaimer.strip()
        own = different_texts([draft.headline, *self._facts_alone(), *self._others("short")], MAX_SHORT)
        names = different_texts(self._names(), MAX_SHORT)
        self.shorts = different_texts([*own[:3], *names[:2], *own[3:], *names[2:]], MAX_SHORT)
        self.bodies = different_texts([draft.body, *self._others("body")], 1000)
        self.stated: list[Claim] = []

    def fit(self) -> Fitted:
        platforms, left_out = {}, []
        for name, placement in PLACEMENTS.items():
            stated = len(self.stated)
            try:
                platforms[name] = self._fit_to(placement)
            except LeftOut as reason:
                left_out.append(f"{placement.label} is left out: {reason}.")
                del self.stated[stated:]
        own = [*self.draft.headline.claims, *self.draft.body.claims]
        return Fitted(platforms, tuple(dict.fromkeys([*own, *self.stated])), left_out)

    def _others(self, part: str) -> list[FilledLine]:
        """Other lines of the angle, filled; those that name other facts than the draft first."""
        material, found = self.material, []
        templates = material.templates(self.angle, part)
        for filling in (material.filling(self.angle, named=self.draft.headline), material.filling(self.angle)):
            enough = len(found) + ALTERNATIVES
            for template in templates:
                line = material.fill(template, self.angle, filling) if template.after is None else None
                if line and len(found) < enough:
                    found.append(line)
        return found

    def _facts_alone(self) -> list[FilledLine]:
        """Each fact of the angle, and of the plan that it is about, as a line of its own."""
        material, angle, found = self.material, self.angle, []
        slot = "grown_to" if angle.pool == "grown_to" else material.about(angle).slot
        filling = material.filling(angle, named=FilledLine("", NAME))
        for name in (slot, "text"):
            for fact in filling.facts[name]:
                text = fact.text if name == "text" else capitalised(without_article(fact.phrase))
                found.append(FilledLine(text, NAME, [(name, fact)], tuple(material.claims_of(name, fact, angle))))
        return found[:MAX_FACTS]

    def _names(self) -> list[FilledLine]:
        """The names of the brand and of the plan that the ad speaks of."""
        material, brand = self.material, self.material.brief.brand.name
        of_brand = (Claim(ClaimKind.BRAND, brand, brand, None, claims.BRAND_KIT),)
        of_brand_alone = FilledLine(brand, NAME, (), of_brand)
        name, _, kind, _ = material.about(self.angle)
        if not name:
            return [of_brand_alone]
        of_plan = tuple(material.held[kind][:1])
        plan = name.name if material.is_listed else capitalised(name.plan)
        return [
            FilledLine(plan, NAME, (), of_plan),
            FilledLine(f"{brand} {name.name}", NAME, (), (*of_plan, *of_brand)),
            of_brand_alone,
            FilledLine(name.name, NAME, (), of_plan),
        ]

    def _fit_to(self, placement: Placement) -> PlatformCopy:
        """The placement's texts. Raises LeftOut where the disclaimer or a name leaves no room, or where there are too
        few different lines that are short enough."""
        texts: dict[str, tuple[str, ...]] = {}
        fields = placement.fields.values()
        fillers = {field.filled_by for field in fields}
        shortest = min((field.target for field in fields if field.filled_by == "short"), default=0)
        shorts = [line for line in self.shorts if greatest_length(line.text) <= shortest]
        for field in fields:
            if field.filled_by == "short":
                lines = []
                for line in list(shorts):
                    if len(lines) < field.count and (field.end_mark or line.text[-1] not in ".!?"):
                        lines.append(line)
                        shorts.remove(line)
                texts[field.name] = self._say(lines)
                if len(lines) < field.lines[2]:
                    raise LeftOut(f"there are too few lines of {field.hard} characters")
            else:
                is_alone = field.lines[1] > 1 or not fillers & {"short", "headline"}
                texts[field.name] = self._lines_for(field, is_alone)
        own_name = CTA_MAP[self.call_to_action].get(placement.family, self.call_to_action)
        return PlatformCopy(texts, own_name if placement.button else None)

    def _lines_for(self, field: Field, is_alone: bool) -> tuple[str, ...]:
        """`is_alone`: without the headline that a body may follow."""
        brand, objective = self.material.brief.brand.name, self.material.brief.objective
        match field.filled_by:
            case "headline":
                return self._say([first_fitting([self.draft.headline, *self.shorts], field.target)])
            case "body" if field.lines[1] > 1:
                return self._descriptions(field)
            case "body":
                return self._body(field, is_alone)
            case "name":  # a business is never called by a part of its name
                if field.size(brand) > field.hard:
                    raise LeftOut(f"the brand's name is longer than {field.hard} characters")
                return self._say([line for line in self._names() if line.text == brand][:1])
            case "path":
                tier = self.material.tier
                paths = (slug(tier.name) if tier else "", LANDING_PATHS[objective])
                return tuple(path for path in paths if path and field.size(path) <= field.hard)
        return ()

    def _descriptions(self, field: Field) -> tuple[str, ...]:
        """Several bodies, each of which stands alone; the disclaimer last."""
        lines = different_texts([line for line in self.bodies if line.template.after is None], MAX_SHORT_BODY)
        names = [name._replace(text=f"{name.text}.") for name in self._names()]
        lines += names[: max(0, field.lines[2] - len(lines))]
        if len(lines) < field.lines[0]:
            raise LeftOut(f"there are too few texts of {field.hard} characters")
        if not self.disclaimer:
            return self._say(lines[: field.count])
        if greatest_length(self.disclaimer) > MAX_SHORT_BODY:
            raise LeftOut("the disclaimer is too long for it")
        return (*self._say(lines[: field.count - 1]), self.disclaimer)

    def _body(self, field: Field, is_alone: bool) -> tuple[str, ...]:
        """One body, with the disclaimer behind it."""
        room = field.target - greatest_length(f" {self.disclaimer}".rstrip())
        lines = [line for line in self.bodies if line.template.after is None or not is_alone]
        line = first_fitting(lines or self.bodies, room)
        text = f"{line.text} {self.disclaimer}".strip()
        if field.size(text) > field.hard:
            raise LeftOut("the disclaimer leaves no room for a text")
        self._say([line])
        return (text,)

    def _say(self, lines: Iterable[FilledLine]) -> tuple[str, ...]:
        texts = []
        for line in lines:
            self.stated += line.claims
            texts.append(line.text)
        return tuple(texts)


def different_texts(lines: Iterable[FilledLine], limit: int) -> list[FilledLine]:
    """The lines that fit, without those that hold the same words as one before them."""
    found: dict[frozenset[str], FilledLine] = {}
    for line in lines:
        if greatest_length(line.text) <= limit:
            found.setdefault(frozenset(re.findall(r"\w+", line.text.casefold())), line)
    return list(found.values())


def first_fitting(lines: Sequence[FilledLine], limit: int) -> FilledLine:
    """The first line that fits; failing that the shortest."""
    for line in lines:
        if greatest_length(line.text) <= limit:
            return line
    return min(lines, key=lambda line: greatest_length(line.text))

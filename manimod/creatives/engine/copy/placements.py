"""The texts of one ad for each placement: every text fits as it is, nothing is ever cut off."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from manimod.creatives.engine.brief import Claim, ClaimKind, PlatformCopy
from manimod.creatives.engine.copy import claims
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.library import Template, capitalised, without_article
from manimod.creatives.engine.copy.phrase_selection import Draft, FilledLine, Material, different_texts
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.policy.platforms import CTA_MAP, PLACEMENTS, Field, Placement, greatest_length

MAX_SHORT = 30  # characters of Google's short headlines
MAX_SHORT_BODY = 90
ALTERNATIVES = 10  # other lines of an angle that are filled for its placements
MAX_FACTS = 6  # that are short headlines of their own
LANDING_PATHS = {"retention": "your-plan", "upsell": "next-step", "winback": "plans"}
NAME = Template.parse("{tier}")


class Fitted(NamedTuple):
    """Each placement's texts, and all that they state."""

    platforms: dict[str, PlatformCopy]
    claims: tuple[Claim, ...]


class Fitting:
    """One draft, and the other lines that say what it says, to be fitted to placements."""

    def __init__(self, material: Material, angle: Angle, draft: Draft, call_to_action: str) -> None:
        self.material, self.angle, self.draft, self.call_to_action = material, angle, draft, call_to_action
        self.disclaimer = material.brief.brand.disclaimer.strip()
        self.shorts = different_texts([draft.headline, *self._facts_alone(), *self._others("short")], MAX_SHORT)
        names = [line for line in self._names() if greatest_length(line.text) <= MAX_SHORT]
        self.shorts = different_texts([*self.shorts[:3], *names[:2], *self.shorts[3:], *names[2:]], MAX_SHORT)
        self.bodies = different_texts([draft.body, *self._others("body")], 1000)
        self.stated: list[Claim] = []

    def fit(self) -> Fitted:
        platforms = {}
        for name, placement in PLACEMENTS.items():
            stated = len(self.stated)
            copy = self._fit_to(placement)
            if copy:
                platforms[name] = copy
            else:
                del self.stated[stated:]
        own = [*self.draft.headline.claims, *self.draft.body.claims]
        return Fitted(platforms, tuple(dict.fromkeys([*own, *self.stated])))

    def _others(self, part: str) -> list[FilledLine]:
        """Other lines of the angle, filled; those that name other facts than the draft first."""
        material, found = self.material, []
        usable = [template for template in material.templates(self.angle, part) if template.after is None]
        for filling in (material.filling(self.angle, named=self.draft.headline), material.filling(self.angle)):
            filled = (material.fill(template, self.angle, filling) for template in usable)
            found += islice(filter(None, filled), ALTERNATIVES)
        return found

    def _facts_alone(self) -> list[FilledLine]:
        """Each fact of the angle, and of the plan that it is about, as a line of its own."""
        material, angle, found = self.material, self.angle, []
        slot = angle.pool if angle.pool == "grown_to" else {"next": "added", "lighter": "kept"}.get(angle.about, "fact")
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
        about = {"next": material.next_tier, "lighter": material.lighter_tier}.get(self.angle.about, material.tier)
        kind = {"next": ClaimKind.NEXT, "lighter": ClaimKind.LIGHTER}.get(self.angle.about, ClaimKind.TIER)
        of_brand_alone = FilledLine(brand, NAME, (), of_brand)
        if not about:
            return [of_brand_alone]
        of_plan = tuple(material.held[kind][:1])
        return [
            FilledLine(capitalised(about.plan), NAME, (), of_plan),
            FilledLine(f"{brand} {about.name}", NAME, (), (*of_plan, *of_brand)),
            of_brand_alone,
            FilledLine(about.name, NAME, (), of_plan),
        ]

    def _fit_to(self, placement: Placement) -> PlatformCopy | None:
        """The placement's texts, or None where the disclaimer or the brand's name leaves no room for them."""
        limit = min((field.target for field in placement.fields.values() if field.filled_by == "short"), default=0)
        shorts, texts = [line for line in self.shorts if greatest_length(line.text) <= limit], {}
        for field in placement.fields.values():
            if field.filled_by == "short":
                fitting = [line for line in shorts if field.end_mark or line.text[-1] not in ".!?"]
                lines = self._say(fitting[: field.count])
                shorts = [line for line in shorts if line.text not in lines]
            else:
                has_headline = any(other.filled_by in ("short", "headline") for other in placement.fields.values())
                lines = self._lines_for(field, stands_alone=field.lines[1] > 1 or not has_headline)
            if len(lines) < max(field.lines[0], field.filled_by in ("body", "name")):
                return None
            texts[field.name] = tuple(lines)
        own_name = CTA_MAP[self.call_to_action].get(placement.family, self.call_to_action)
        return PlatformCopy(texts, own_name if placement.button else None)

    def _lines_for(self, field: Field, stands_alone: bool) -> list[str]:
        """`stands_alone`: a body without the headline that it follows."""
        brand = self.material.brief.brand
        bodies = [line for line in self.bodies if line.template.after is None or not stands_alone]
        match field.filled_by:
            case "headline":
                lines = [self.draft.headline, *self.shorts]
                return self._say([first_fitting(lines, field.target)])
            case "body" if field.lines[1] > 1:  # the disclaimer last
                lines = different_texts(bodies, MAX_SHORT_BODY)
                if len(lines) < field.lines[2]:
                    names = [name._replace(text=f"{name.text}.") for name in self._names()]
                    lines += names[: field.lines[2] - len(lines)]
                if not self.disclaimer:
                    return self._say(lines[: field.count])
                is_short = greatest_length(self.disclaimer) <= MAX_SHORT_BODY
                return [*self._say(lines[: field.count - 1]), self.disclaimer] if is_short else []
            case "body":
                room = field.target - greatest_length(f" {self.disclaimer}") if self.disclaimer else field.target
                line = first_fitting(bodies or self.bodies, room)
                body = f"{line.text} {self.disclaimer}".strip()
                return [self._say([line]) and body] if field.size(body) <= field.hard else []
            case "name":
                # A business is never called by a part of its name.
                own = [line for line in self._names() if line.text == brand.name][:1]
                return self._say(own if field.size(brand.name) <= field.hard else [])
            case "path":
                tier = self.material.tier
                paths = [slug(tier.name) if tier else "", LANDING_PATHS[self.material.brief.objective]]
                return [path for path in paths if path and field.size(path) <= field.hard]
        return []

    def _say(self, lines: Iterable[FilledLine]) -> list[str]:
        texts = []
        for line in lines:
            self.stated += line.claims
            texts.append(line.text)
        return texts


def first_fitting(lines: Sequence[FilledLine], limit: int) -> FilledLine:
    """The first line that fits; failing that the shortest."""
    for line in lines:
        if greatest_length(line.text) <= limit:
            return line
    return min(lines, key=lambda line: greatest_length(line.text))

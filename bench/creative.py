"""How good are the ads? Counts, over thousands of sets, what a reader would count; writes bench/creative.json.

python -m bench creative [with BENCH_CATALOGUES=folder of example catalogues]

Every measure here reads the finished texts and looks for itself; none trusts what the engine says of its own ads.
"""

import itertools
import json
import math
import re
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench import catalogues
from bench.figures import Figure
from manimod.creatives import learning
from manimod.creatives.engine.brief import EVENTS, Brief, CreativeSet, Variant
from manimod.creatives.engine.copy import copywriter
from manimod.creatives.engine.facts.model import Fact
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import MASTERS
from manimod.creatives.engine.policy.rules import PolicyContext
from manimod.lifecycle import Segment
from manimod.models.states import RejectionReason, ReviewAction

HERE = Path(__file__).parent
ROUNDS = 6
DECISIONS = 30
ENOUGH_FACTS = 3  # facts of a tier from which each ad should name one

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
CLAIMS = {name: re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE) for name, words in _TABLES["claims"].items()}
AVOIDED = "|".join(word.replace(".", "[ -]") for word in _TABLES["avoid"]["words"].split())
FUNCTION_WORDS = set(_TABLES["function"]["words"].split())


@dataclass(frozen=True)
class Made:
    """One set with the brief it was written for. `shared`: its segment has the set of another one."""

    account: str
    brief: Brief
    content: CreativeSet

    @property
    def ads(self) -> tuple[Variant, ...]:
        return self.content.variants


def measure() -> list[Figure]:
    made = list(write_all())
    figures = [
        Figure("creative", "sets written", len(made), "sets", goal=">= 3000", is_met=len(made) >= 3000),
        share("ads with a product fact, three facts a tier", count_facts(made), 0.90),
        nothing("unsupported claims", find_claims(made)),
        nothing("lint findings", find_lint(made)),
        nothing("words to avoid", find_avoided(made)),
        share("high told from low value, by a simple classifier", classify(made), 0.85),
        at_most("ads of an account that share a headline template", shared_within(made), 0.20),
        at_most("headline templates that two accounts share", shared_between(made), 0.15),
        share("headlines of at most 40 characters", headlines_short(made), 0.50),
        *pictures(made),
        cost(made),
        learnt(made),
    ]
    rows = [
        {"name": f.name, "value": round(f.value, 4), "unit": f.unit, "goal": f.goal, "met": f.is_met} for f in figures
    ]
    (HERE / "creative.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return figures


def share(name: str, found: tuple[int, int], goal: float) -> Figure:
    value = found[0] / max(1, found[1])
    return Figure("creative", name, 100 * value, "%", goal=f">= {goal:.0%}", is_met=value >= goal)


def at_most(name: str, value: float, goal: float) -> Figure:
    return Figure("creative", name, 100 * value, "%", goal=f"<= {goal:.0%}", is_met=value <= goal)


def nothing(name: str, found: Counter) -> Figure:
    for example, times in found.most_common(8):
        print(f"  {name}: {times:>4} x {example}")
    return Figure("creative", name, sum(found.values()), "findings", goal="0", is_met=not found)


def write_all() -> Iterator[Made]:
    """Every audience of every account, in three rounds. As in mani, phrases that open sets use come later again."""
    for account in catalogues.accounts():
        for turn in range(ROUNDS):
            used: Counter = Counter()
            seen = set()
            for brief in account.briefs:
                for event, segment in itertools.product(EVENTS, (*Segment, None)):
                    asked = replace(brief, event=event, segment=segment, round=turn, used_phrases=dict(used))
                    asked = replace(asked, segment=copywriter.shared_segment(asked))
                    audience = (event, asked.segment, asked.tier)
                    if audience in seen:
                        continue
                    seen.add(audience)
                    content = copywriter.write(asked)
                    for ad in content.variants:
                        used.update(ad.phrases)
                    yield Made(account.name, asked, content)


def texts(ad: Variant) -> list[str]:
    """Every text of an ad."""
    found = [ad.headline, ad.body]
    for copy in ad.platforms.values():
        found += [text for _, _, text in copy.texts()]
    return list(dict.fromkeys(found))


def fold(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()


def facts_of(brief: Brief) -> list[str]:
    """How the facts of the tier and of its neighbours may stand in a text."""
    found = []
    for tier in (brief.tier_facts, brief.next_tier, brief.lighter_tier):
        for fact in tier.facts if tier else ():
            found += map(fold, spellings(fact))
    return found


def spellings(fact: Fact) -> list[str]:
    """A fact as it is stored, as it stands in a sentence, and there without its article."""
    found = [fact.text, fact.phrase or "", re.sub(r"(?i)^an? ", "", fact.phrase or "")]
    return [text for text in found if text]


def names_a_fact(ad: Variant, brief: Brief) -> bool:
    said = f" {fold(ad.headline)} {fold(ad.body)} "
    return any(f" {fact} " in said for fact in facts_of(brief))


def count_facts(made: Iterable[Made]) -> tuple[int, int]:
    found = [0, 0]
    for one in made:
        if one.brief.tier_facts and len(one.brief.tier_facts.facts) >= ENOUGH_FACTS:
            found[0] += sum(names_a_fact(ad, one.brief) for ad in one.ads)
            found[1] += len(one.ads)
    return found[0], found[1]


def holds(claim: str, brief: Brief) -> bool:
    """Whether the account's stored facts make a claim true. Usage, and what is still there, are never known."""
    tier = brief.tier_facts
    known = {
        "support": brief.brand.support,
        "year": tier and tier.has_year,
        "seats": tier and tier.seat,
        "next_tier": brief.next_tier,
        "lighter_tier": brief.lighter_tier,
        "news": brief.release_notes,
        "trial": brief.active_offers("trial"),
        "discount": brief.offers,
        "anytime": brief.active_offers("pause"),
        "popularity": brief.proof,
    }
    return bool(known.get(claim))


def find_claims(made: Iterable[Made]) -> Counter:
    """Claims that nothing stored supports. The account's own words (facts, offers, proof, names) are masked first."""
    found: Counter = Counter()
    for one in made:
        own = own_words(one.brief)
        for ad in one.ads:
            for text in texts(ad):
                bare = own.sub("…", text)
                for claim, pattern in CLAIMS.items():
                    match = pattern.search(bare)
                    if match and not holds(claim, one.brief):
                        found[f"{claim}: {text}"] += 1
            if one.brief.tier_facts is None and re.search(
                r"\byour (?:\w+ )?plan\b", " ".join(texts(ad)), re.IGNORECASE
            ):
                found[f"a plan without a subscription: {ad.headline}"] += 1
    return found


def own_words(brief: Brief) -> re.Pattern:
    """The names and texts that the account itself has stored, as one pattern, the longest first."""
    words = [brief.brand.name, brief.brand.disclaimer, *(offer.text for offer in brief.offers)]
    words += [proof.text for proof in brief.proof] + [note.text for note in brief.release_notes]
    for tier in (brief.tier_facts, brief.next_tier, brief.lighter_tier):
        if tier:
            words += [tier.name or "", tier.seat or ""]
            for fact in tier.facts:
                words += [*spellings(fact), fact.topic]
    words = sorted({word.strip(" .") for word in words if word.strip(" .")}, key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words) or r"(?!)", re.IGNORECASE)


def find_lint(made: Iterable[Made]) -> Counter:
    found: Counter = Counter()
    for one in made:
        context = PolicyContext.of(one.brief)
        for ad in one.ads:
            for finding in policy.check(ad, context):
                if finding.rule_id == "URL-01" and not one.brief.brand.landing_page:
                    continue  # the example has no website, so it is no fault of the ad
                found[f"{finding.rule_id} {finding.platform} {finding.excerpt}"] += 1
    return found


def find_avoided(made: Iterable[Made]) -> Counter:
    found: Counter = Counter()
    for one in made:
        own = own_words(one.brief)
        for ad in one.ads:
            for text in texts(ad):
                for match in re.finditer(rf"(?i)\b(?:{AVOIDED})\b", own.sub("…", text)):
                    found[f"{match[0]}: {text}"] += 1
    return found


def template(text: str, brief: Brief) -> str:
    """What is left of a text without the account's own names, facts and figures: the wording that mani chose.

    Where that is nothing but such words as "and" or "with", the text is known by the facts it names.
    """
    left = re.sub(r"[\W_]+", " ", re.sub(r"\d[\d.,]*", "…", own_words(brief).sub("…", text)).casefold()).strip()
    return left if set(left.split()) - FUNCTION_WORDS else text.casefold()


def headline_templates(made: Iterable[Made]) -> dict[str, Counter]:
    """By account, how often each wording heads an ad, of the first round alone: those that are open side by side."""
    found: dict[str, Counter] = defaultdict(Counter)
    for one in made:
        if one.brief.round == 0:
            for ad in one.ads:
                found[one.account][template(ad.headline, one.brief)] += 1
    return found


def shared_within(made: Iterable[Made]) -> float:
    """Of an account's ads, those whose headline has the same wording as another's; the mean over the accounts."""
    shares = []
    for counts in headline_templates(made).values():
        again = sum(times for times in counts.values() if times > 1)
        shares.append(again / sum(counts.values()))
    return sum(shares) / len(shares)


def shared_between(made: Iterable[Made]) -> float:
    """Of two accounts' headline wordings, the part that both use; the mean over all pairs."""
    kinds = [set(counts) for counts in headline_templates(made).values()]
    pairs = list(itertools.combinations(kinds, 2))
    return sum(len(a & b) / max(1, min(len(a), len(b))) for a, b in pairs) / max(1, len(pairs))


def headlines_short(made: Iterable[Made]) -> tuple[int, int]:
    lengths = [len(ad.headline) for one in made for ad in one.ads]
    return sum(length <= 40 for length in lengths), len(lengths)


def words_of(one: Made) -> list[str]:
    """The words of a set, with the names by what they are, so that what is learnt of one account holds for another."""
    brief, names = one.brief, {}
    for role, tier in (("NEXT", brief.next_tier), ("LIGHTER", brief.lighter_tier), ("OWN", brief.tier_facts)):
        if tier and tier.name:
            names[tier.name] = role
        for fact in tier.facts if tier else ():
            names.setdefault(fact.phrase or fact.text, f"FACT-{role}")
    found = []
    for ad in one.ads:
        text = f"{ad.headline} | {ad.body}"
        for name in sorted(names, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", f" {names[name]} ", text, flags=re.IGNORECASE)
        found += re.findall(r"[\w-]+", text)
    return found


def classify(made: Iterable[Made]) -> tuple[int, int]:
    """A naive Bayes of words, learnt from all accounts but one and asked about that one: high or low value?"""
    wanted = (Segment.HIGH, Segment.LOW)
    sets = [one for one in made if one.brief.segment in wanted and one.brief.tier_facts and one.brief.tier_facts.facts]
    right = total = 0
    for event in EVENTS:
        rows = [(one.account, one.brief.segment, words_of(one)) for one in sets if one.brief.event == event]
        for account in {row[0] for row in rows}:
            counts = {segment: Counter() for segment in wanted}
            for other, segment, words in rows:
                if other != account:
                    counts[segment].update(set(words))
            sizes = {s: sum(1 for row in rows if row[0] != account and row[1] == s) for s in wanted}
            for own, segment, words in rows:
                if own == account and all(sizes.values()):
                    scores = {}
                    for guess in wanted:
                        odds = ((counts[guess][word] + 0.5) / (sizes[guess] + 1) for word in set(words))
                        scores[guess] = sum(map(math.log, odds))
                    right += max(scores, key=scores.get) == segment
                    total += 1
    return right, total


def pictures(made: list[Made]) -> list[Figure]:
    """How many compositions there are among the pictures, and how many of them show a fact."""
    kinds, with_fact, drawn = set(), 0, 0
    for one in made[:: max(1, len(made) // 600)]:
        has_facts = one.brief.tier_facts and len(one.brief.tier_facts.facts) >= ENOUGH_FACTS
        for ad in one.ads:
            canvas = picture.lay_out(ad, one.brief.brand, "1080x1080")
            kinds.add(ad.layout)
            if has_facts:
                shown = f" {fold(' | '.join(box.text for box in canvas.boxes))} "
                with_fact += any(f" {fact} " in shown for fact in facts_of(one.brief))
                drawn += 1
    few = len(kinds)
    return [
        Figure("creative", "compositions (layout x ground x position)", few, "kinds", goal=">= 60", is_met=few >= 60),
        share("pictures with a fact, three facts a tier", (with_fact, drawn), 0.80),
    ]


def cost(made: list[Made]) -> Figure:
    """The median time of a set with its pictures, in the sizes that the pages show."""
    times = []
    for one in made[:: max(1, len(made) // 40)]:
        begun = time.perf_counter()
        content = copywriter.write(replace(one.brief, today=one.brief.today.replace(day=1)))
        for ad in content.variants:
            for canvas in MASTERS:
                picture.draw(ad, one.brief.brand, canvas)
        times.append(1000 * (time.perf_counter() - begun))
    middle = sorted(times)[len(times) // 2]
    return Figure("creative", "a set with its pictures", middle, "ms", goal="<= 80", is_met=middle <= 80)


def learnt(made: list[Made]) -> Figure:
    """First-try approvals, in points, that a reviewer gives more after 30 decisions; the mean of some reviewers.

    Each dislikes two of the angles that mani uses most for an account, and refuses a set with one of them.
    """
    gains = []
    for account in dict.fromkeys(one.account for one in made):
        briefs = [one.brief for one in made if one.account == account and one.brief.round == 0]
        times = Counter(ad.angle for brief in briefs for ad in copywriter.write(brief).variants)
        common = [angle for angle, _ in times.most_common(6)]
        if len(common) < 6 or len(briefs) < DECISIONS:
            continue  # an account with names alone has no choice of angles
        for disliked in (set(common[0:2]), set(common[2:4]), set(common[4:6])):
            decisions = [decide(brief, disliked) for brief in briefs[:DECISIONS]]
            preferences = learning.learn(decisions)
            before = sum(decide(brief, disliked).action == ReviewAction.APPROVED for brief in briefs)
            wiser = [replace(brief, preferences=preferences) for brief in briefs]
            after = sum(decide(brief, disliked).action == ReviewAction.APPROVED for brief in wiser)
            gains.append(100 * (after - before) / len(briefs))
    gain = sum(gains) / max(1, len(gains))
    return Figure(
        "creative", "more first-try approvals after 30 decisions", gain, "points", goal=">= 20", is_met=gain >= 20
    )


def decide(brief: Brief, disliked: set[str]) -> learning.Decision:
    ads = copywriter.write(brief).to_json()["variants"]
    if any(ad["angle"] in disliked for ad in ads):
        return learning.Decision(ReviewAction.REJECTED, RejectionReason.TOPIC, ads)
    return learning.Decision(ReviewAction.APPROVED, None, ads)

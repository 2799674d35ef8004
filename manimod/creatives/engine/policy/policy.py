"""May this text be published? Judges copy, names and pictures by the rules of rules.toml.

It lowers the risk that a platform refuses an ad; it never promises a platform's approval.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from manimod.creatives.engine.brief import Finding, Variant
from manimod.creatives.engine.picture.canvas import Canvas
from manimod.creatives.engine.policy import form_rules, people_rules, picture_rules
from manimod.creatives.engine.policy.rules import ALL, BLOCK, CheckedCopy, PolicyContext, PolicyRule, Text, load_rules

RULES = load_rules(
    checks=people_rules.CHECKS | form_rules.CHECKS | picture_rules.CHECKS,
    exceptions=people_rules.EXCEPTIONS | form_rules.EXCEPTIONS,
)
UNIVERSAL_RULES = [rule for rule in RULES.values() if rule.is_universal]
TEXT_RULES = [rule for rule in RULES.values() if rule.scope == "text"]
PICTURE_RULES = [rule for rule in RULES.values() if rule.scope == "picture"]


def check(variant: Variant, context: PolicyContext) -> list[Finding]:
    """Every finding of a variant: its own texts and all its placements."""
    own = [Text.masked(ALL, name, getattr(variant, name), context) for name in ("headline", "body")]
    distinct = {text.text: text for text in own}
    copies = []
    for name, copy in variant.platforms.items():
        texts = tuple(Text.masked(name, field, text, context) for field, _, text in copy.texts())
        copies.append(CheckedCopy(name, texts, copy.call_to_action))
        for text in texts:
            distinct.setdefault(text.text, text)
    findings = _run(UNIVERSAL_RULES, CheckedCopy(ALL, tuple(distinct.values()), variant.call_to_action), context)
    for copy in copies:
        findings += _run([rule for rule in _rules_for(copy.platform) if not rule.is_universal], copy, context)
    return list(dict.fromkeys(findings))


def check_text(text: str, field: str, platform: str, context: PolicyContext) -> list[Finding]:
    """The findings of one text while it is being typed. `platform` is a placement id or "all"."""
    copy = CheckedCopy(platform, (Text.masked(platform, field, text, context),), complete=False)
    return _run(_rules_for(platform), copy, context)


def check_stored(text: str, context: PolicyContext) -> list[Finding]:
    """The findings of a text that the account stores (proof, release note), judged for every platform. It is its own
    proof: nobody else can know whether it is true."""
    return _check_alone(text, replace(context, proof=(*context.proof, text)))


def check_name(name: str, context: PolicyContext) -> list[Finding]:
    """The findings of a brand's or tier's name. Capitals are its own affair, and "Free" is a name here. Of customers'
    names only whole ones count ("Acme Corp Enterprise"), because "Max" is a tier beside a Max Example; a customer who
    is called like the brand does not count, because the brand may well be its own first customer."""
    own = context.brand.name.casefold()
    names = [full for full in context.customer_names if " " in full and full.casefold() not in own]
    whole = [full for full in names if full.casefold() in name.casefold()]
    context = replace(context, tier=None, brand=replace(context.brand, name=""), customer_names=whole)
    exempt = {"EDT-01", "EDT-02"}
    if re.fullmatch(r"free( (plan|tier|forever))?", name, re.IGNORECASE):
        exempt.add("MIS-01")
    return [finding for finding in _check_alone(name, context) if finding.rule_id not in exempt]


def check_picture(canvas: Canvas, placement: str) -> list[Finding]:
    """The findings of a drawn picture for a placement."""
    rules = [rule for rule in PICTURE_RULES if rule.applies(placement)]
    return [rule.finding(hit, placement) for rule in rules for hit in rule.check(canvas, placement)]


def blocks(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == BLOCK]


def _check_alone(text: str, context: PolicyContext) -> list[Finding]:
    copy = CheckedCopy(ALL, (Text.masked(ALL, "stored", text, context),), complete=False)
    return _run(TEXT_RULES, copy, context)


@cache
def _rules_for(platform: str) -> list[PolicyRule]:
    return [rule for rule in RULES.values() if rule.scope != "picture" and rule.applies(platform)]


def _run(rules: list[PolicyRule], copy: CheckedCopy, context: PolicyContext) -> list[Finding]:
    return [finding for rule in rules for finding in rule.findings(copy, context)]

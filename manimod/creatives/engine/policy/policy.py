"""May this text be published? Judges copy, names and pictures by the rules of rules.toml.

It lowers the risk that a platform refuses an ad; it never promises a platform's approval.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from manimod.creatives.engine.brief import Finding, PlatformCopy, Variant
from manimod.creatives.engine.picture.canvas import Canvas
from manimod.creatives.engine.policy import rule_checks
from manimod.creatives.engine.policy.rules import ALL, BLOCK, CheckedCopy, PolicyContext, PolicyRule, Text, load_rules

_ROWS = tomllib.loads(Path(__file__).with_name("rules.toml").read_text("utf-8"))
RULES = load_rules(_ROWS, vars(rule_checks))


def check(variant: Variant, context: PolicyContext) -> list[Finding]:
    """Every finding of a variant: its own texts and all its placements. Universal rules judge a text only once."""
    own = PlatformCopy({"headline": (variant.headline,), "body": (variant.body,)}, variant.call_to_action)
    findings, seen = [], set()
    for platform, copy in {ALL: own, **variant.platforms}.items():
        texts, unseen = [], []
        for field, _, line in copy.texts():
            texts.append(Text(field, line, context.own_names.sub("Name", line)))
            if line not in seen:
                unseen.append(texts[-1])
                seen.add(line)
        for rule in RULES.values():
            is_due = rule.is_universal or (platform != ALL and rule.scope != "picture")
            if is_due and rule.applies(platform):
                judged = CheckedCopy(platform, unseen if rule.is_universal else texts, copy.call_to_action)
                findings += rule.findings(platform, judged, context)
    return list(dict.fromkeys(findings))


def check_text(text: str, field: str, platform: str, context: PolicyContext) -> list[Finding]:
    """The findings of one text while it is being typed. `platform` is a placement id or "all"."""
    copy = CheckedCopy.of_text(platform, field, text, context)
    return _judge(lambda rule: rule.scope != "picture" and rule.applies(platform), platform, copy, context)


def check_stored(text: str, context: PolicyContext) -> list[Finding]:
    """The findings of a text that the account stores. It is its own proof: nobody else can know whether it is true."""
    return _check_for_every_platform(text, replace(context, proof=(*context.proof, text)))


def check_name(name: str, context: PolicyContext) -> list[Finding]:
    """The findings of a brand's or tier's name. Capitals are its own affair, and "Free" is a name here. Of customers'
    names only whole ones count ("Acme Corp Enterprise"), because "Max" is a tier beside a Max Example; a customer who
    is called like the brand does not count, because the brand may well be its own first customer."""
    whole = []
    for customer in context.customer_names:
        folded = customer.casefold()
        if " " in customer and folded in name.casefold() and folded not in context.brand.name.casefold():
            whole.append(customer)
    context = replace(context, tier=None, brand=replace(context.brand, name=""), customer_names=whole)
    exempt = ["EDT-01", "EDT-02"]
    if re.fullmatch(r"free( (plan|tier|forever))?", name, re.IGNORECASE):
        exempt.append("MIS-01")
    return _check_for_every_platform(name, context, exempt)


def _check_for_every_platform(text: str, context: PolicyContext, exempt: Collection[str] = ()) -> list[Finding]:
    copy = CheckedCopy.of_text(ALL, "stored", text, context)
    return _judge(lambda rule: rule.scope == "text" and rule.id not in exempt, ALL, copy, context)


def check_picture(canvas: Canvas, placement: str) -> list[Finding]:
    """The findings of a drawn picture for a placement."""
    return _judge(lambda rule: rule.scope == "picture" and rule.applies(placement), placement, canvas, placement)


def _judge(is_due: Callable[[PolicyRule], bool], *subject: object) -> list[Finding]:
    findings = []
    for rule in filter(is_due, RULES.values()):
        findings += rule.findings(*subject)
    return findings


def blocks(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == BLOCK]

"""The editor of a variant: texts that are judged, and a picture that is drawn, while they are typed."""

from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for
from flask_security import current_user

from manimod.creatives import editing, review
from manimod.creatives.engine import ad_texts
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.policy.platforms import PLACEMENTS, Field
from manimod.creatives.engine.policy.rules import ALL
from manimod.jobs import transaction
from manimod.models import Account, Creative
from manimod.models.states import CreativeStatus
from manimod.web import render
from manimod.web.auth import owner_required
from manimod.web.creatives import LANDING_PAGE_RULE, page_context, stored_facts

blueprint = Blueprint("editor", __name__, url_prefix="/creatives/<int:creative_id>/variants/<int:index>")


@blueprint.get("/edit")
@owner_required
def edit(account: Account, creative_id: int, index: int) -> Response:
    creative = review.get(account, creative_id, index)
    if creative.status != CreativeStatus.WAITING:
        address = url_for("creatives.show", creative_id=creative_id)
        return render.redirect_with_toast(address, "Only waiting creatives can change.")
    return _editor(account, creative, index, {})


@blueprint.post("/edit")
@owner_required
def save(account: Account, creative_id: int, index: int) -> Response:
    creative = review.get(account, creative_id, index)
    seen, now, texts, theirs = request.form.get("revision", -1, type=int), creative.revision, request.form, {}
    if seen != now and creative.status == CreativeStatus.WAITING:
        texts, theirs = editing.merge(creative, index, texts, seen)
    if theirs:
        return render.over_the_form(_editor(account, creative, index, texts, 409, render.CONFLICT, theirs))
    try:
        with transaction():
            editing.edit(review.get(account, creative_id, index), index, texts, current_user, now)
    except editing.TextBlocked as blocked:
        return _editor(account, creative, index, texts, 422, str(blocked))
    address = url_for("creatives.show", creative_id=creative_id, _anchor=f"variant-{index}")
    return render.redirect_with_toast(address, "Saved.")


@blueprint.post("/check")
@owner_required
def check(account: Account, creative_id: int, index: int) -> Response:
    """What the rules say of the text that is being typed, and the picture with it."""
    creative, key = review.get(account, creative_id, index), request.args.get("text", "")
    text = request.form.get(key, "")
    return render.partial(
        "creatives/_findings.html",
        also=("creatives/_draft_picture.html",) if key in ("headline", "body") else (),
        key=key,
        text=text,
        findings=editing.check_text(creative, index, key, text),
        creative=creative,
        index=index,
        texts=request.form,
    )


@blueprint.get("/draft.svg")
@owner_required
def draft_picture(account: Account, creative_id: int, index: int) -> Response:
    """The picture with texts that nobody has saved yet."""
    creative = review.get(account, creative_id, index)
    variant, _ = editing.draft(creative, index, {name: text for name, text in request.args.items() if text})
    return render.picture(picture.draw(variant, stored_facts(account).get_brand(creative), "1080x1080"), "svg")


def _editor(
    account: Account,
    creative: Creative,
    index: int,
    typed: Mapping[str, str],
    status: int = 200,
    sentence: str = "",
    theirs: Mapping[str, str] | None = None,
) -> Response:
    """The form with the stored texts, or with what was `typed` and refused, what is wrong with it and what somebody
    else has saved meanwhile."""
    variant, findings = editing.draft(creative, index, typed)
    texts, shown, groups, open_groups = {}, {}, {}, set()
    for key, text in ad_texts.texts_of(variant).items():
        texts[key], shown[key] = typed.get(key, text), []
        placement, field = ad_texts.split_key(key)
        groups.setdefault(placement, []).append(key)
        for finding in findings:
            is_here = finding.platform in (placement, ALL) and finding.field == field
            if is_here and finding.rule_id != LANDING_PAGE_RULE and finding.excerpt in texts[key]:
                shown[key].append(finding)
                open_groups.add(placement)
        if theirs and key in theirs:
            open_groups.add(placement)
    return render.page(
        "creatives/edit.html",
        "editor",
        status,
        **page_context(account, creative),
        variant=variant,
        index=index,
        texts=texts,
        findings=shown,
        groups=groups,
        open_groups=open_groups,
        sentence=sentence,
        theirs=theirs or {},
    )


@blueprint.app_template_global()
def field_of(key: str) -> Field | None:
    """The specification of a text's field, with its lengths; None for the headline and body of the picture."""
    placement, field = ad_texts.split_key(key)
    return PLACEMENTS[placement].fields.get(field) if placement in PLACEMENTS else None

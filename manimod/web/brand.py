"""Settings > Brand: how an account's ads look and sound, with a picture of it while it is being changed."""

from flask import Blueprint, Response, abort, request, url_for
from flask_security import current_user

from manimod.creatives import brand_kit, briefs, editing, learning
from manimod.creatives.engine.copy.copywriter import NoLegalCopy
from manimod.creatives.engine.picture import picture
from manimod.errors import ManimodError
from manimod.jobs import transaction
from manimod.models import Account, BrandKit
from manimod.web import render
from manimod.web.auth import owner_required
from manimod.web.forms import BrandForm, LookForm, mark_differences
from manimod.web.labels import counted

blueprint = Blueprint("brand", __name__, url_prefix="/settings/brand")


@blueprint.route("", methods=["GET", "POST"], strict_slashes=False)
@owner_required
def show(account: Account) -> Response:
    form = BrandForm(obj=briefs.get_brand_kit(account))
    if not form.is_submitted():
        return render.page("brand/show.html", outdated=editing.list_outdated(account), **_context(account))
    is_valid = form.validate()
    draft = brand_kit.draft(account, **form.valid_values)
    if is_valid:
        try:
            with transaction():
                brand_kit.save(account, form.valid_values | form.logo_values, form.version.data)
            return _success(account)
        except brand_kit.BrandRejected as rejection:
            for field, sentence in rejection.problems.items():
                form[field].errors = [sentence]
        except ManimodError as failure:
            if failure.code != "BRAND_CHANGED":
                raise
            return _show_conflict(account, draft, form)
    return render.page("brand/show.html", "form", 422, **_context(account, draft, form))


def _show_conflict(account: Account, draft: BrandKit, form: BrandForm) -> Response:
    """What was typed, with what somebody else has saved beside it. The next press on Save keeps what is in the form."""
    stored = BrandForm(formdata=None, obj=briefs.get_brand_kit(account))
    if not mark_differences(form, stored):
        with transaction():
            brand_kit.save(account, form.valid_values | form.logo_values)
        return _success(account)
    form.version.raw_data = [str(stored.version.data)]
    context = _context(account, draft, form) | {"sentence": render.CONFLICT}
    return render.over_the_form(render.page("brand/show.html", "form", 409, **context))


@blueprint.post("/rewrite")
@owner_required
def rewrite_outdated(account: Account) -> Response:
    """New versions of the creatives that say an old name, or something else that no longer holds."""
    with transaction():
        number = editing.rewrite_outdated(account, current_user)
    toast = f"{counted(number, 'creative')} written anew, to be reviewed."
    return render.redirect_with_toast(url_for("creatives.queue"), toast)


@blueprint.post("/preview")
@owner_required
def preview(account: Account) -> Response:
    """The pictures again, with what the form holds and nobody has saved yet."""
    form = BrandForm(obj=briefs.get_brand_kit(account))
    form.validate()
    draft = brand_kit.draft(account, **form.valid_values)
    return render.partial("brand/_preview.html", **_context(account, draft, form))


@blueprint.get("/preview/<event>.svg")
@owner_required
def picture_of_event(account: Account, event: str) -> Response:
    """A sample ad of the brand. What isn't saved yet stands in the address."""
    if event not in brand_kit.SAMPLES:
        abort(404)
    form = LookForm(request.args, obj=briefs.get_brand_kit(account), meta={"csrf": False})
    form.validate()
    draft = brand_kit.draft(account, **form.valid_values)
    try:
        variant = brand_kit.sample(draft, event).variants[0]
    except NoLegalCopy:
        abort(404)
    return render.picture(picture.draw(variant, briefs.to_brand(draft), "1080x1080"), "svg")


@blueprint.get("/logo.png")
@owner_required
def logo(account: Account) -> Response:
    kit = briefs.get_brand_kit(account)
    if not kit.logo:
        abort(404)
    return render.picture(kit.logo, "png", str(kit.version))


def _success(account: Account) -> Response:
    context = _context(account) | {"outdated": editing.list_outdated(account)}
    return render.success_response("brand/_kit.html", url_for("brand.show"), "Brand kit saved.", **context)


def _context(account: Account, kit: BrandKit | None = None, form: BrandForm | None = None) -> dict:
    """What the page shows: of the stored kit, or of one that isn't saved yet, with its form."""
    kit = kit or briefs.get_brand_kit(account)
    form = form or BrandForm(formdata=None, obj=kit)
    for rows in (form.offers, form.releases):
        if all(row.text.data for row in rows):
            rows.append_entry()  # an empty one for the next
    samples, problem = {}, None
    for event in brand_kit.SAMPLES:
        try:
            samples[event] = brand_kit.sample(kit, event).variants[0]
        except NoLegalCopy as refusal:
            problem = str(refusal)
    return {
        "kit": kit,
        "is_from_stripe": kit.version == 0 and bool(briefs.get_profile(account.id)),
        "form": form,
        "remarks": brand_kit.find_warnings(account, kit),
        "learnt": learning.in_words(account),
        "max_decisions": learning.MAX_DECISIONS,
        "samples": samples,
        "preview_problem": problem,
        "unsaved": LookForm(formdata=None, obj=kit, meta={"csrf": False}).data,
    }

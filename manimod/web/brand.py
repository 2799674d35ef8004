"""Settings > Brand: how an account's ads look and sound, with a picture of it while it is being changed."""

from flask import Blueprint, Response, abort, request, url_for

from manimod.creatives import brand_kit, briefs
from manimod.creatives.engine.brief import OfferKind, Tone
from manimod.creatives.engine.copy.copywriter import NoLegalCopy
from manimod.creatives.engine.picture import picture
from manimod.errors import ManimodError
from manimod.jobs import transaction
from manimod.models import Account, BrandKit
from manimod.web import brand_form, pictures, render
from manimod.web.auth import owner_required

blueprint = Blueprint("brand", __name__, url_prefix="/settings/brand")

EMPTY_ROWS = 1  # for the next offer; saving brings another one
OFFER_FIELDS = ("text", "kind", "code", "ends_on")
PREVIEWED = ("name", "primary_colour", "accent_colour", "tone")  # what the picture shows before it is saved


@blueprint.get("", strict_slashes=False)
@owner_required
def show(account: Account) -> Response:
    return _page(account, briefs.get_brand_kit(account))


@blueprint.post("", strict_slashes=False)
@owner_required
def save(account: Account) -> Response:
    values = brand_form.read(request.form, _offers())
    draft = brand_kit.draft(account, **values)
    problems = brand_form.find_problems(values)
    if problems:
        return _page(account, draft, "form", 422, problems=problems)
    try:
        with transaction():
            brand_kit.save(account, draft, request.form.get("version", type=int))
    except brand_kit.BrandRejected as refusal:
        return _page(account, draft, "form", 422, problems=refusal.problems)
    return render.success_response(
        "brand/_kit.html", _here(), "Brand kit saved.", **_context(account, briefs.get_brand_kit(account))
    )


@blueprint.post("/logo")
@owner_required
def save_logo(account: Account) -> Response:
    """Upload the logo, or with `remove` take it away."""
    file = request.files.get("logo")
    data = None if "remove" in request.form else file.read() if file else b""
    try:
        with transaction():
            brand_kit.set_logo(account, data)
    except ManimodError as failure:
        return _page(account, briefs.get_brand_kit(account), "form", failure.status, logo_error=str(failure))
    said = "Logo removed." if data is None else "Logo saved."
    return render.success_response("brand/_kit.html", _here(), said, **_context(account, briefs.get_brand_kit(account)))


@blueprint.post("/preview")
@owner_required
def preview(account: Account) -> Response:
    """The pictures again, with what the form holds and nobody has saved yet."""
    draft = brand_kit.draft(account, **brand_form.read(request.form, _offers()))
    if not render.wants_fragment():
        return _page(account, draft)
    return render.partial("brand/_preview.html", **_preview_context(draft))


@blueprint.get("/preview/<event>.svg")
@owner_required
def picture_of_event(account: Account, event: str) -> Response:
    """A sample ad in the brand's clothes; what isn't saved yet stands in the address."""
    if event not in brand_kit.SAMPLES:
        abort(404)
    unsaved = brand_form.read({field: request.args[field][:60] for field in PREVIEWED if field in request.args})
    shown = {field: unsaved[field] for field in PREVIEWED if unsaved.get(field)}
    draft = brand_kit.draft(account, **shown)
    try:
        variant = brand_kit.sample(draft, event).variants[0]
    except NoLegalCopy:
        abort(404)
    return pictures.once(lambda: picture.draw(variant, briefs.to_brand(draft), "1080x1080"), "svg")


@blueprint.get("/logo.png")
@owner_required
def logo(account: Account) -> Response:
    kit = briefs.get_brand_kit(account)
    if not kit.logo:
        abort(404)
    return pictures.versioned(lambda: kit.logo, "png", str(kit.version), "logo")


def _page(account: Account, kit: BrandKit, fragment: str | None = None, status: int = 200, **context: object):
    return render.page("brand/show.html", fragment, status, **_context(account, kit), **context)


def _context(account: Account, kit: BrandKit) -> dict:
    return {
        "account": account,
        "kit": kit,
        "tones": tuple(Tone),
        "offer_kinds": tuple(OfferKind),
        "empty_rows": EMPTY_ROWS,
        "remarks": brand_kit.find_warnings(account, kit),
        **_preview_context(kit),
    }


def _preview_context(kit: BrandKit) -> dict:
    """For each event the sample's texts, or why none can be written."""
    samples, problem = {}, None
    for event in brand_kit.SAMPLES:
        try:
            samples[event] = brand_kit.sample(kit, event).variants[0]
        except NoLegalCopy as refusal:
            problem = str(refusal)
    unsaved = {field: getattr(kit, field) for field in PREVIEWED}
    return {"kit": kit, "samples": samples, "preview_problem": problem, "unsaved": unsaved}


def _offers() -> list[dict]:
    columns = [request.form.getlist(f"offer_{field}") for field in OFFER_FIELDS]
    return [dict(zip(OFFER_FIELDS, row, strict=True)) for row in zip(*columns, strict=False)]


def _here() -> str:
    return url_for("brand.show")

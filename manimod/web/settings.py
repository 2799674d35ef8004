"""Settings > Account, and Settings > Integrations > Stripe in the order of the guide."""

from collections.abc import Sequence

from flask import Blueprint, Response, abort, make_response, redirect, request, url_for

from manimod.accounts import support
from manimod.creatives import brand_kit
from manimod.customers import images, tiers
from manimod.customers.tiers import MAX_NAME_LENGTH
from manimod.diagnostics import delivery_log, sources
from manimod.diagnostics.sources import SourceState
from manimod.errors import PASSING, ManimodError
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.lifecycle import KINDS
from manimod.models import Account, Connection, SyncRun
from manimod.models.accounts import now
from manimod.models.states import Source, SyncState
from manimod.moments import record
from manimod.stripe import connections
from manimod.web import forms, modes, render
from manimod.web.auth import owner_required
from manimod.web.labels import is_about_the_key

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

# Mended in the field itself. For the other refused keys the page leads to a new one.
MENDED_HERE = ("STRIPE_KEY_MISSING", "STRIPE_KEY_SIGNING_SECRET", "STRIPE_KEY_TRUNCATED", "STRIPE_KEY_OTHER_ACCOUNT")
CHANGED_BY_A_SYNC = (
    "settings/_trouble.html",
    "settings/_connection.html",
    "settings/_sources.html",
    "setup/_next_step.html",
)
CHANGED_BY_THE_WEBHOOK = ("settings/_sources.html", "setup/_next_step.html")


@blueprint.route("/account", methods=["GET", "POST"])
@owner_required
def account(account: Account) -> Response:
    """Its name, and the time zone of exact times."""
    form, sentence = forms.AccountForm(obj=account), ""
    if form.validate_on_submit():
        if request.form.get("seen") not in (None, f"{account.name}; {account.time_zone}"):
            differs = forms.mark_differences(form, forms.AccountForm(formdata=None, obj=account))
            sentence = render.CONFLICT if differs else ""
        if not sentence:
            with transaction():
                form.populate_obj(account)
            return render.redirect_with_toast(url_for("settings.account"), "Account saved.")
    entries, status = support.audit_entries(account), 422 if form.is_submitted() else 200
    return render.page("settings/account.html", status=status, form=form, entries=entries, sentence=sentence)


@blueprint.get("/integrations")
@blueprint.get("", strict_slashes=False, endpoint="settings")
@owner_required
def integrations(account: Account) -> Response:
    return render.page("settings/integrations.html")


@blueprint.get("/integrations/stripe")
@owner_required
def show(account: Account) -> Response:
    return _page(account, replaces_key="replace" in request.args)


@blueprint.post("/integrations/stripe/connect")
@owner_required
def connect(account: Account) -> Response:
    connections.require_plan(account)
    form, address, was_live = forms.ApiKeyForm(), _here(), modes.shows_live(account)
    try:
        check = connections.check_key(form.api_key.data or "")
        if connections.get_current(account, check.livemode) is None:
            address = url_for("setup.next_step")
        with transaction():
            connection = connections.connect(account, check, form.start_over.data)
    except ManimodError as failure:
        form.api_key.errors = [str(failure)]
        return _page(
            account,
            "connect",
            # htmx swaps only what is 422. The browser keeps the key that it still has, where asking again may help.
            status=422 if render.wants_fragment() else failure.status,
            key_form=form,
            wants_another_key=is_about_the_key(failure.code) and failure.code not in MENDED_HERE,
            may_retry=failure.code in PASSING,
            edit_link=failure.slots.get("edit_link"),
            offers_fresh_start=form.start_over.data or failure.code == "STRIPE_KEY_OTHER_ACCOUNT",
            replaces_key=True,
        )
    toast = f"Connected to {connection.stripe_account_name or connection.stripe_account_id or 'Stripe'}."
    if was_live != connection.livemode and connections.get_current(account, was_live):
        toast += f" It is a {connection.mode} key, so the pages show {connection.mode} data now."
    modes.choose(connection.livemode)
    return render.redirect_with_toast(address, toast)


@blueprint.get("/integrations/stripe/connect")
@owner_required
def connect_page(account: Account) -> Response:
    """Where a browser without JavaScript is left by a refused key."""
    return redirect(_here("connect"))


@blueprint.post("/integrations/stripe/name")
@owner_required
def name_account(account: Account) -> Response:
    """What the owner calls the Stripe account, where Stripe doesn't tell its name. An empty one takes it away."""
    connection, form = modes.require_connection(account), forms.StripeAccountNameForm()
    with transaction():
        connection.stripe_account_name = form.name.data[:MAX_NAME_LENGTH] or None
    return render.success_response("settings/_connection.html", _here(), "Name saved.", **_context(connection))


@blueprint.post("/integrations/stripe/events", defaults={"kind": None})
@blueprint.post("/integrations/stripe/events/<kind>")
@owner_required
def save_events(account: Account, kind: str | None) -> Response:
    """One switch; for browsers without JavaScript all of them at once."""
    form = forms.EventsForm()
    with transaction():
        for name in [kind] if kind else KINDS:
            record.set_switch(account, name, name in form and form[name].data)
    if kind is None:
        return render.redirect_with_toast(_here("events"), "Events saved.")
    toast = f"Saved. This event makes {'' if form[kind].data else 'no '}creatives."
    return render.success_response("settings/_event.html", _here("events"), toast, kind=kind, events_form=form)


@blueprint.post("/integrations/stripe/signing-secret")
@owner_required
def save_signing_secret(account: Account) -> Response:
    connection, form = modes.require_connection(account), forms.SigningSecretForm()
    try:
        with transaction():
            connections.set_signing_secret(connection, form.signing_secret.data or "")
    except ManimodError as failure:
        form.signing_secret.errors = [str(failure)]
        return _page(account, "webhook", failure.status, secret_form=form, replaces_secret=True)
    return _webhook_response(connection, "Signing secret saved.")


@blueprint.get("/integrations/stripe/webhook")
@owner_required
def webhook_status(account: Account) -> Response:
    """Asked for while the webhook waits for its first event; with what arrived comes what it changes on the page."""
    if not render.wants_fragment():
        return redirect(_here("webhook"))
    connection = modes.require_connection(account)
    context = _webhook_context(connection)
    if request.args.get("seen") == context["webhook_state"]:
        return make_response("", 204)
    return render.partial("settings/_webhook.html", also=CHANGED_BY_THE_WEBHOOK, **context)


@blueprint.post("/integrations/stripe/signing-secret/old/remove")
@owner_required
def remove_old_secret(account: Account) -> Response:
    connection = modes.require_connection(account)
    with transaction():
        connection.encrypted_old_signing_secret = None
    return _webhook_response(connection, "Old secret removed.")


@blueprint.post("/integrations/stripe/tiers/<int:tier_id>")
@owner_required
def rename_tier(account: Account, tier_id: int) -> Response:
    connection, form = modes.require_connection(account), forms.TierNameForm()
    try:
        with transaction():
            tier = brand_kit.rename_tier(connection, tier_id, form.name.data or "")
    except ManimodError as failure:
        form.name.errors = [str(failure)]
        return _tier_response(connection, tier_id, rejected_tiers={tier_id: form})
    said = f"say {tier.name}" if tier.name else "name no tier"
    return _tier_response(connection, tier_id, f"Saved: the next creatives {said}.")


@blueprint.post("/integrations/stripe/tiers/<int:tier_id>/lines")
@owner_required
def save_tier_lines(account: Account, tier_id: int) -> Response:
    """What a tier does, a thing a line."""
    connection, form = modes.require_connection(account), forms.TierLinesForm()
    try:
        with transaction():
            tier = brand_kit.set_tier_lines(connection, tier_id, form.lines.data or [], request.form.get("seen"))
    except brand_kit.BrandRejected as refusal:
        form.lines.errors = list(refusal.problems.values())
        return _tier_response(connection, tier_id, rejected_lines={tier_id: form})
    return _tier_response(connection, tier_id, f"Saved: the next creatives know what {tier.name or 'this tier'} does.")


@blueprint.post("/integrations/stripe/tiers/<int:tier_id>/picture")
@owner_required
def save_tier_picture(account: Account, tier_id: int) -> Response:
    """Upload a picture of what a tier does, or with `remove` take it away."""
    connection, form = modes.require_connection(account), forms.TierPictureForm()
    data, toast = None, "Picture removed."
    if not form.remove.data:
        data = form.picture.data.read() if form.picture.data else b""
    try:
        with transaction():
            tier = brand_kit.set_tier_picture(connection, tier_id, data)
    except ManimodError as failure:
        return _tier_response(connection, tier_id, rejected_pictures={tier_id: str(failure)})
    if tier.picture:
        toast = f"Saved: ads about {tier.name or 'this tier'} may show this picture."
    return _tier_response(connection, tier_id, toast)


@blueprint.get("/integrations/stripe/tiers/<int:tier_id>/picture")
@owner_required
def tier_picture(account: Account, tier_id: int) -> Response:
    tier = brand_kit.get_tier(account, tier_id)
    if not tier.picture:
        abort(404)
    kind = "png" if tier.picture.startswith(images.SIGNATURES["PNG"]) else "jpeg"
    return render.picture(tier.picture, kind, str(tier.picture_at.timestamp()))


@blueprint.post("/integrations/stripe/sync")
@owner_required
def sync_now(account: Account) -> Response:
    connection = modes.require_connection(account)
    with transaction():
        sync.request_sync(connection)
    return render.success_response("settings/_sync.html", _here("sync"), "Sync started.", **_context(connection))


@blueprint.get("/integrations/stripe/sync")
@owner_required
def sync_status(account: Account) -> Response:
    """Asked for by the progress bar; the last answer also brings what the sync has changed elsewhere on the page."""
    context = _context(modes.require_connection(account))
    if context["is_syncing"] and render.wants_fragment():
        return render.partial("settings/_sync.html", **context)
    also = CHANGED_BY_A_SYNC
    if context["runs"] and context["runs"][0].is_first:
        also += ("settings/_tiers.html",)
    return _page(account, "sync", also=also)


@blueprint.route("/integrations/stripe/disconnect", methods=["GET", "POST"])
@owner_required
def disconnect(account: Account) -> Response:
    """What will be deleted, and a button; the button disconnects."""
    connection = modes.require_connection(account)
    if request.method == "GET":
        return render.page("settings/disconnect.html", connection=connection)
    with transaction():
        connections.disconnect(connection)
    modes.forget()
    return render.redirect_with_toast(_here(), "Disconnected. The API key is deleted.")


def is_syncing(connection: Connection, runs: Sequence[SyncRun]) -> bool:
    """Whether a sync is due or under way. `runs`: the latest ones, newest first."""
    if not connection.account.may_connect_stripe:
        return False
    if runs and runs[0].state == SyncState.RUNNING:
        return True
    return connection.next_sync_at is not None and connection.next_sync_at <= now()


def _page(account: Account, fragment: str | None = None, status: int = 200, **context: object) -> Response:
    connection = modes.connection_of(account)
    shown = {"connection": None, "key_form": forms.ApiKeyForm(formdata=None)}
    shown["events_form"] = forms.EventsForm(formdata=None, data=record.switches(account))
    if connection:
        shown |= _context(connection) | _webhook_context(connection)
    return render.page("settings/stripe.html", fragment, status, **shown | context)


def _context(connection: Connection) -> dict:
    """What the cards of a connected account show."""
    found, runs = tiers.get_for_connection(connection), sync.list_latest(connection)
    return {
        "connection": connection,
        "tiers": found,
        "unprintable": brand_kit.unprintable_tiers(connection, found),
        "lines": brand_kit.describe_tiers(found),
        "tier_names": {tier.stripe_product_id: tier.name for tier in found},
        "runs": runs,
        "complete": next((run for run in runs if run.state == SyncState.DONE), None),
        "is_syncing": is_syncing(connection, runs),
        "sync_length": sync.interval(connection, runs[0] if runs else None),
    }


def _webhook_context(connection: Connection) -> dict:
    """What the webhook's card shows. `webhook_state`: a SourceState, or rejected."""
    working, set_at, rejected = sources.WorkingSource(connection), connection.signing_secret_set_at, None
    state = working.states[Source.WEBHOOK]
    if state not in (SourceState.NOT_READY, SourceState.WORKS):
        rejected = next(iter(delivery_log.rejected_deliveries(connection)), None)
        if rejected and set_at and rejected.last_at > set_at:
            state = "rejected"
    form = forms.SigningSecretForm(formdata=None)
    return {
        "connection": connection,
        "secret_form": form,
        "working": working,
        "webhook_state": state,
        "rejected": rejected,
    }


def _webhook_response(connection: Connection, toast: str) -> Response:
    context = _webhook_context(connection)
    return render.success_response(
        "settings/_webhook.html", _here("webhook"), toast, also=CHANGED_BY_THE_WEBHOOK, **context
    )


def _tier_response(connection: Connection, tier_id: int, toast: str = "", **rejected: dict) -> Response:
    """The tier's row after a change, or with what was rejected."""
    tier = brand_kit.get_tier(connection.account, tier_id)
    if rejected and not render.wants_fragment():
        return _page(connection.account, status=422, **rejected)
    context = _context(connection) | rejected | {"tier": tier}
    if rejected:
        return render.partial("settings/_tier.html", 422, **context)
    return render.success_response("settings/_tier.html", _here("tiers"), toast, **context)


def _here(anchor: str | None = None) -> str:
    return url_for("settings.show", _anchor=anchor)

"""Settings > Integrations > Stripe, in the order of the guide: connect, events, webhook, sync, disconnect."""

from flask import Blueprint, Response, redirect, request, url_for

from manimod.errors import ManimodError
from manimod.flow import connections, sync
from manimod.jobs import transaction
from manimod.models import Account, Connection
from manimod.models.accounts import now
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("stripe_settings", __name__, url_prefix="/settings")


@blueprint.get("", strict_slashes=False)
@owner_required
def settings(account: Account) -> Response:
    return redirect(url_for("stripe_settings.integrations"))


@blueprint.get("/integrations")
@owner_required
def integrations(account: Account) -> Response:
    return render.page("settings/integrations.html", account=account, connection=connections.of_account(account))


@blueprint.get("/integrations/stripe")
@owner_required
def show(account: Account) -> Response:
    return _page(account, replaces_key="replace" in request.args)


@blueprint.post("/integrations/stripe/connect")
@owner_required
def connect(account: Account) -> Response:
    connections.require_plan(account)
    try:
        check = connections.check_key(request.form.get("api_key", ""))
    except ManimodError as failure:
        return _page(account, status=failure.status, key_error=str(failure), replaces_key=True)
    with transaction():
        connection = connections.connect(account, check)
        name = connection.stripe_account_name or connection.stripe_account_id or "Stripe"
    return render.send_to(_here(), f"Connected to {name}.")


@blueprint.post("/integrations/stripe/events")
@owner_required
def save_events(account: Account) -> Response:
    """All switches at once, for browsers without JavaScript."""
    with transaction():
        for kind in connections.switches(account):
            connections.switch(account, kind, kind in request.form)
    return render.send_to(_here("events"), "Events saved.")


@blueprint.post("/integrations/stripe/events/<kind>")
@owner_required
def save_event(account: Account, kind: str) -> Response:
    enabled = kind in request.form
    with transaction():
        connections.switch(account, kind, enabled)
    return render.changed(
        "settings/_event.html",
        _here("events"),
        toast="Saved: this event makes creatives." if enabled else "Saved: this event makes no creatives.",
        kind=kind,
        enabled=enabled,
    )


@blueprint.post("/integrations/stripe/signing-secret")
@owner_required
def save_signing_secret(account: Account) -> Response:
    connection = _connected(account)
    try:
        with transaction():
            connections.set_signing_secret(connection, request.form.get("signing_secret", ""))
    except ManimodError as failure:
        if failure.status != 422:
            raise
        return _page(account, "webhook", 422, secret_error=str(failure), replaces_secret=True)
    return render.changed(
        "settings/_webhook.html", _here("webhook"), toast="Signing secret saved.", **_webhook_context(connection)
    )


@blueprint.post("/integrations/stripe/sync")
@owner_required
def sync_now(account: Account) -> Response:
    connection = _connected(account)
    with transaction():
        sync.request(connection)
    return render.changed(
        "settings/_sync.html",
        _here("sync"),
        toast="Sync started.",
        **_sync_context(connection),
    )


@blueprint.get("/integrations/stripe/sync")
@owner_required
def sync_status(account: Account) -> Response:
    return _page(account, "sync")


@blueprint.get("/integrations/stripe/disconnect")
@owner_required
def confirm_disconnect(account: Account) -> Response:
    return render.page("settings/disconnect.html", account=account, connection=_connected(account))


@blueprint.post("/integrations/stripe/disconnect")
@owner_required
def disconnect(account: Account) -> Response:
    connection = _connected(account)
    with transaction():
        connections.disconnect(connection)
    return render.send_to(_here(), "Disconnected. The API key is deleted.")


def _page(account: Account, fragment: str | None = None, status: int = 200, **context: object) -> Response:
    connection = connections.of_account(account)
    if connection and not connection.is_connected:
        connection = None
    context["connection"] = connection
    if connection:
        context |= _webhook_context(connection) | _sync_context(connection)
    return render.page(
        "settings/stripe.html",
        fragment,
        status,
        account=account,
        switches=connections.switches(account),
        permissions=connections.PERMISSIONS,
        key_link=connections.restricted_key_link(),
        **context,
    )


def _webhook_context(connection: Connection) -> dict:
    return {
        "connection": connection,
        "address": connections.webhook_address(connection),
        "event_types": connections.EVENT_TYPES,
    }


def _sync_context(connection: Connection) -> dict:
    run = sync.latest(connection)
    is_due = connection.next_sync_at is not None and connection.next_sync_at <= now()
    return {"connection": connection, "run": run, "is_syncing": is_due or bool(run and run.state == "running")}


def _connected(account: Account) -> Connection:
    connection = connections.of_account(account)
    if connection is None or not connection.is_connected:
        raise ManimodError("STRIPE_NOT_CONNECTED")
    return connection


def _here(anchor: str | None = None) -> str:
    return url_for("stripe_settings.show", _anchor=anchor)

"""Troubleshooting for owners: the guide's questions answered by checks, the delivery log, events, and customers."""

from flask import Blueprint, Response, g, request, url_for
from flask_security import current_user

from manimod.diagnostics import alerts, check_runner, delivery_log
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Alert, Connection
from manimod.web import modes, render
from manimod.web.auth import owner_required

blueprint = Blueprint("troubleshooting", __name__, url_prefix="/troubleshooting")
blueprint.add_app_template_global(check_runner.group_by_question)
blueprint.add_app_template_global(check_runner.worst_outcome)


@blueprint.get("", strict_slashes=False)
@owner_required
def show(account: Account) -> Response:
    found = check_runner.run_checks(account, modes.connection_of(account))
    return render.page("troubleshooting/index.html", found=found)


@blueprint.post("/run")
@owner_required
def run(account: Account) -> Response:
    """Run the checks now, with a question to Stripe."""
    connection = modes.connection_of(account)
    found = check_runner.run_checks(account, connection, ask_stripe=True)
    if connection:
        with transaction():
            check_runner.save_health(connection, found)
    address, toast = url_for("troubleshooting.show"), "The checks ran just now."
    return render.success_response("troubleshooting/_checks.html", address, toast, found=found, is_fresh=True)


@blueprint.get("/deliveries")
@owner_required
def deliveries(account: Account) -> Response:
    connection = modes.require_connection(account)
    chosen = {name: request.args[name] for name in delivery_log.FILTERS if request.args.get(name)}
    return render.page(
        "troubleshooting/deliveries.html",
        "log",
        log=delivery_log.page(connection, chosen, request.args.get("after", type=int)),
        rejected=delivery_log.rejected_deliveries(connection),
        chosen=chosen,
        is_first="after" not in request.args,
    )


@blueprint.get("/events/<int:event_id>")
@owner_required
def event(account: Account, event_id: int) -> Response:
    detail = delivery_log.get_event(account, event_id)
    modes.show(db.session.get_one(Connection, detail.event.connection_id).livemode)
    return render.page("troubleshooting/event.html", detail=detail)


@blueprint.post("/events/<int:event_id>/replay")
@owner_required
def replay(account: Account, event_id: int) -> Response:
    with transaction():
        delivery_log.replay(account, event_id)
    address = url_for("troubleshooting.event", event_id=event_id)
    return render.redirect_with_toast(address, "The event is being replayed.")


@blueprint.get("/customers")
@owner_required
def customers(account: Account) -> Response:
    """Was this customer processed?"""
    connection, text = modes.require_connection(account), request.args.get("q", "")
    found = delivery_log.find_customers(connection, text)
    return render.page("troubleshooting/customers.html", connection=connection, text=text, found=found)


@blueprint.app_template_global()
def fix_of(alert: Alert) -> dict | None:
    """What to do about an alert, where that is a page of mani and the same for every account."""
    check = check_runner.CHECKS.get(alert.check)
    if check is None or "endpoint" not in check.fix or "{" in check.fix["label"]:
        return None
    mode = alert.connection and alert.connection.mode
    return check.fix | {"query": check.fix.get("query", {}) | {"mode": mode}}


@blueprint.app_template_global()
def open_alerts() -> list[Alert]:
    """What is broken at the moment, for the navigation and the dashboard; read once a page."""
    if "alerts" not in g:
        g.alerts = alerts.open_alerts(current_user.account.id) if current_user.account else []
    return g.alerts

"""Troubleshooting for owners: the guide's questions answered by checks, the delivery log, events, and customers."""

from flask import Blueprint, Response, g, request, url_for
from flask_security import current_user

from manimod.diagnostics import alerts, check_runner
from manimod.ingest import delivery_log
from manimod.jobs import transaction
from manimod.models import Account, Alert
from manimod.models.states import Outcome
from manimod.stripe import connections
from manimod.stripe.payloads import EVENT_TYPES
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("troubleshooting", __name__, url_prefix="/troubleshooting")

MAX_SEARCH_LENGTH = 255


@blueprint.get("", strict_slashes=False)
@owner_required
def show(account: Account) -> Response:
    checks = check_runner.check_account(account)
    return render.page(
        "troubleshooting/index.html",
        account=account,
        groups=check_runner.group_by_question(checks),
        outcome=check_runner.worst_outcome(checks),
        is_connected=any(check.name == "connection" and check.outcome == Outcome.GOOD for check in checks),
    )


@blueprint.post("/run")
@owner_required
def run(account: Account) -> Response:
    """Run the checks now, with a question to Stripe."""
    checks = check_runner.check_account(account, ask_stripe=True)
    with transaction():
        check_runner.save_health(account, checks)
    return render.success_response(
        "troubleshooting/_checks.html",
        url_for("troubleshooting.show"),
        toast="The checks ran just now.",
        groups=check_runner.group_by_question(checks),
        outcome=check_runner.worst_outcome(checks),
        is_fresh=True,
    )


@blueprint.get("/deliveries")
@owner_required
def deliveries(account: Account) -> Response:
    connection = connections.require_current(account)
    chosen = {name: request.args[name] for name in delivery_log.FILTERS if request.args.get(name)}
    log = delivery_log.page(connection, chosen, request.args.get("after"))
    return render.page(
        "troubleshooting/deliveries.html",
        "log",
        account=account,
        log=log,
        rejected=delivery_log.rejected_deliveries(connection),
        chosen=chosen,
        is_first="after" not in request.args,
        event_types=list(zip(EVENT_TYPES, EVENT_TYPES, strict=True)),
    )


@blueprint.get("/events/<int:event_id>")
@owner_required
def event(account: Account, event_id: int) -> Response:
    connection = connections.require_current(account)
    detail = delivery_log.get_event(connection, event_id)
    return render.page("troubleshooting/event.html", account=account, connection=connection, detail=detail)


@blueprint.post("/events/<int:event_id>/replay")
@owner_required
def replay(account: Account, event_id: int) -> Response:
    connection = connections.require_current(account)
    with transaction():
        delivery_log.replay(connection, event_id)
    return render.redirect_with_toast(
        url_for("troubleshooting.event", event_id=event_id), "The event is processed again, within seconds."
    )


@blueprint.get("/customers")
@owner_required
def customers(account: Account) -> Response:
    """Was this customer processed?"""
    text = request.args.get("q", "").strip()[:MAX_SEARCH_LENGTH]
    connection = connections.require_current(account)
    return render.page(
        "troubleshooting/customers.html",
        account=account,
        text=text,
        found=delivery_log.find_customers(connection, text),
        connection=connection,
    )


@blueprint.app_template_global()
def open_alerts() -> list[Alert]:
    """What is broken at the moment, for the navigation and the dashboard; read once a page."""
    if "alerts" not in g:
        g.alerts = alerts.open_alerts(current_user.account.id) if current_user.account else []
    return g.alerts

"""The support panel: every account with its health, one account with what ails it, and what support may do there."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, Response, request, session, url_for
from flask_security import current_user

from manimod import jobs
from manimod.accounts import audit, support
from manimod.diagnostics import alerts, check_runner, metrics
from manimod.errors import ManimodError
from manimod.ingest import delivery_log, sync
from manimod.jobs import transaction
from manimod.models import PLANS, Account
from manimod.models.states import EventState
from manimod.stripe import connections
from manimod.web import render
from manimod.web.auth import support_required

LONGEST_SEARCH = 255
NAMES_SECONDS = 15 * 60  # how long customers' names stay visible after a reason was given

blueprint = Blueprint("support", __name__, url_prefix="/support")


@blueprint.get("", strict_slashes=False)
@support_required
def index() -> Response:
    chosen = {"q": request.args.get("q", "").strip()[:100], "show": request.args.get("show", "")}
    page = max(0, min(request.args.get("page", 0, type=int), 10_000))
    found = support.search(chosen["q"], chosen["show"], page)
    return render.page(
        "support/index.html",
        counts=support.counts(),
        outbreaks=support.incidents(),
        accounts=found[: support.PAGE_SIZE],
        has_more=len(found) > support.PAGE_SIZE,
        page=page,
        chosen=chosen,
        titles={name: definition.title for name, definition in check_runner.CHECKS.items()},
        signs=jobs.heartbeats(),
        queues=metrics.queue_states(),
        events_pending=metrics.count_events(EventState.PENDING),
        oldest_waiting_at=metrics.oldest_waiting_at(),
    )


@blueprint.get("/accounts/<int:account_id>")
@support_required
def account(account_id: int) -> Response:
    return _page(support.get_account(account_id))


@blueprint.get("/accounts/<int:account_id>/events/<int:event_id>")
@support_required
def event(account_id: int, event_id: int) -> Response:
    return _event_page(support.get_account(account_id), event_id)


@blueprint.get("/accounts/<int:account_id>/customers")
@support_required
def customers(account_id: int) -> Response:
    """Was this customer processed?"""
    found = support.get_account(account_id)
    connection = connections.require_current(found)
    text = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    return render.page(
        "support/customers.html",
        account=found,
        connection=connection,
        text=text,
        found=delivery_log.find_customers(connection, text),
        by_beginning=delivery_log.has_many_customers(connection),
        for_support=True,
        hides_names=not names_are_shown(found),
    )


@blueprint.post("/accounts/<int:account_id>/check")
@support_required
def check(account_id: int) -> Response:
    """Asks Stripe, outside any transaction; only what came of it is written with the audit entry."""
    found = support.get_account(account_id)
    reason = request.form.get("reason", "")
    checks = check_runner.check_account(found, ask_stripe=True) if audit.is_reason(reason) else []
    return _do(account_id, support.record_check, "The checks ran just now.", found=checks)


@blueprint.post("/accounts/<int:account_id>/sync")
@support_required
def sync_now(account_id: int) -> Response:
    return _do(account_id, support.sync_now, "Sync started.")


@blueprint.post("/accounts/<int:account_id>/release-sync")
@support_required
def release_sync(account_id: int) -> Response:
    return _do(account_id, support.release_sync, "The sync goes on with the next free worker.")


@blueprint.post("/accounts/<int:account_id>/plan")
@support_required
def set_plan(account_id: int) -> Response:
    plan = request.form.get("plan", "")
    return _do(account_id, support.set_plan, f"The account is on {plan.capitalize()}.", plan=plan)


@blueprint.post("/accounts/<int:account_id>/events/<int:event_id>/replay")
@support_required
def replay(account_id: int, event_id: int) -> Response:
    toast = "The event is processed once more, within seconds."
    return _do(account_id, support.replay, toast, _event_page, event_id=event_id)


@blueprint.post("/accounts/<int:account_id>/names")
@support_required
def show_names(account_id: int) -> Response:
    response = _do(account_id, support.show_names, "Names are shown for 15 minutes.")
    if response.status_code < 400:
        kept = {key: until for key, until in session.get("names", {}).items() if until > time.time()}
        session["names"] = kept | {str(account_id): int(time.time()) + NAMES_SECONDS}
    return response


def names_are_shown(account: Account) -> bool:
    return session.get("names", {}).get(str(account.id), 0) > time.time()


def _do(
    account_id: int,
    action: Callable,
    toast: str,
    page: Callable[..., Response] | None = None,
    **arguments: object,
) -> Response:
    """The action and its audit entry in one transaction; without a reason the form comes back."""
    try:
        with transaction():
            action(current_user, support.get_account(account_id), request.form.get("reason", ""), **arguments)
    except ManimodError as failure:
        if failure.status != 422:
            raise
        shown = {"status": 422, "error": str(failure), "entered": request.form}
        if page:
            return page(support.get_account(account_id), **arguments, **shown)
        return _page(support.get_account(account_id), **shown)
    return render.redirect_with_toast(_back(account_id), toast)


def _back(account_id: int) -> str:
    """To the page that the form stands on, where it is one of this account's."""
    here = url_for("support.account", account_id=account_id)
    came_from = urlsplit(request.referrer or "")
    if not came_from.path.startswith(f"{here}/") or came_from.netloc != request.host:
        return here
    return f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path


def _page(account: Account, status: int = 200, **context: object) -> Response:
    connection = connections.get_for_account(account)
    latest = sync.list_latest(connection) if connection else []
    checks = check_runner.check_account(account)
    log = (
        delivery_log.page(connection, delivery_log.DeliveryFilters(), request.args.get("after")) if connection else None
    )
    return render.page(
        "support/account.html",
        status=status,
        account=account,
        owners=support.owner_emails(account),
        connection=connection,
        groups=check_runner.group_by_question(checks),
        for_support=True,
        outcome=check_runner.worst_outcome(checks),
        alerts=alerts.open_alerts(account.id),
        runs=[run for run in latest if run.finished_at],
        run=latest[0] if latest and latest[0].state == "running" else None,
        failed_jobs=metrics.failed_jobs(connection.id) if connection else [],
        log=log,
        refusals=delivery_log.rejected_deliveries(connection) if connection else [],
        entries=audit.get_for_account(account),
        plans=PLANS,
        **context,
    )


def _event_page(account: Account, event_id: int, status: int = 200, **context: object) -> Response:
    story = delivery_log.get_event(connections.require_current(account), event_id)
    return render.page("support/event.html", status=status, account=account, story=story, for_support=True, **context)

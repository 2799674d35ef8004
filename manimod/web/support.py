"""The support panel: every account with its health, one account with what ails it, and what support may do there."""

from collections.abc import Callable

from flask import Blueprint, Response, request, url_for
from flask_security import current_user

from manimod import jobs
from manimod.accounts import audit, support
from manimod.diagnostics import alerts, check_runner, metrics
from manimod.ingest import delivery_log, sync
from manimod.jobs import transaction
from manimod.models import Account
from manimod.models.states import EventState, SyncState
from manimod.stripe import connections
from manimod.web import render
from manimod.web.auth import support_required
from manimod.web.forms import SupportForm

MAX_SEARCH_LENGTH = 255

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
        incidents=support.incidents(),
        accounts=found[: support.PAGE_SIZE],
        has_more=len(found) > support.PAGE_SIZE,
        page=page,
        chosen=chosen,
        titles={name: definition.title for name, definition in check_runner.CHECKS.items()},
        heartbeats=jobs.heartbeats(),
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
    text = request.args.get("q", "").strip()[:MAX_SEARCH_LENGTH]
    return render.page(
        "support/customers.html",
        account=found,
        connection=connection,
        text=text,
        found=delivery_log.find_customers(connection, text),
        for_support=True,
    )


@blueprint.post("/accounts/<int:account_id>/check")
@support_required
def check(account_id: int) -> Response:
    """Asks Stripe outside of any transaction; only the outcome is written with the audit entry."""
    account = support.get_account(account_id)
    has_reason = audit.is_reason(SupportForm().reason.data or "")
    checks = check_runner.check_account(account, ask_stripe=True) if has_reason else []
    return _act(account, support.record_check, "The checks ran just now.", found=checks)


@blueprint.post("/accounts/<int:account_id>/sync")
@support_required
def sync_now(account_id: int) -> Response:
    return _act(support.get_account(account_id), support.sync_now, "Sync started.")


@blueprint.post("/accounts/<int:account_id>/release-sync")
@support_required
def release_sync(account_id: int) -> Response:
    toast = "The sync continues with the next free worker."
    return _act(support.get_account(account_id), support.release_sync, toast)


@blueprint.post("/accounts/<int:account_id>/plan")
@support_required
def set_plan(account_id: int) -> Response:
    plan = SupportForm().plan.data or ""
    toast = f"The account is on {plan.capitalize()}."
    return _act(support.get_account(account_id), support.set_plan, toast, plan=plan)


@blueprint.post("/accounts/<int:account_id>/events/<int:event_id>/replay")
@support_required
def replay(account_id: int, event_id: int) -> Response:
    toast = "The event is processed again, within seconds."
    return _act(support.get_account(account_id), support.replay, toast, event_id=event_id)


def _act(account: Account, action: Callable, toast: str, **arguments: object) -> Response:
    """The action and its audit entry in one transaction. Without a reason the page with its form comes back."""
    form = SupportForm()
    with form.refusals_beside("reason"), transaction():
        action(current_user, account, form.reason.data or "", **arguments)
    if form.errors:
        if action is support.replay:
            return _event_page(account, **arguments, status=422, form=form)
        return _page(account, status=422, form=form)
    here, referrer = url_for("support.account", account_id=account.id), render.referrer() or ""
    return render.redirect_with_toast(referrer if referrer.startswith(f"{here}/") else here, toast)


def _page(account: Account, status: int = 200, **context: object) -> Response:
    checks = check_runner.check_account(account)
    connection = connections.get_for_account(account)
    if connection:
        runs = sync.list_latest(connection)
        context |= {
            "runs": [run for run in runs if run.finished_at],
            "run": runs[0] if runs and runs[0].state == SyncState.RUNNING else None,
            "failed_jobs": metrics.failed_jobs(connection.id),
            "log": delivery_log.page(connection, delivery_log.DeliveryFilters(), request.args.get("after")),
            "rejected": delivery_log.rejected_deliveries(connection),
        }
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
        entries=audit.get_for_account(account),
        **{"form": SupportForm(formdata=None, data={"plan": account.plan})} | context,
    )


def _event_page(account: Account, event_id: int, status: int = 200, **context: object) -> Response:
    detail = delivery_log.get_event(connections.require_current(account), event_id)
    context = {"form": SupportForm(formdata=None), "detail": detail} | context
    return render.page("support/event.html", status=status, account=account, for_support=True, **context)

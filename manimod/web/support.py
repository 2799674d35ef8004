"""The support panel: every account with its health, one account with its checks, and what support may do there."""

from flask import Blueprint, Response, request, url_for
from flask_security import current_user

from manimod import jobs
from manimod.accounts import support
from manimod.diagnostics import alerts, check_runner, metrics
from manimod.extensions import db
from manimod.ingest import delivery_log, sync
from manimod.jobs import transaction
from manimod.models import Account
from manimod.models.states import EventState, SyncState
from manimod.stripe import connections
from manimod.web import render
from manimod.web.auth import support_required
from manimod.web.forms import SupportForm

MAX_SEARCH_LENGTH = 255
# By the last part of the address: what is done, and what the toast says.
ACTIONS = {
    "check": (support.check, "The checks ran just now."),
    "sync": (support.sync_now, "Sync started."),
    "plan": (support.set_plan, "The account is on {plan}."),
}

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
        accounts=found[: support.PAGE_SIZE],
        has_more=len(found) > support.PAGE_SIZE,
        page=page,
        chosen=chosen,
        checks=check_runner.CHECKS,
        heartbeats=jobs.heartbeats(),
        queues=metrics.job_counts(),
        events_pending=metrics.count_events(EventState.PENDING),
        oldest_waiting_at=metrics.oldest_waiting_at(),
    )


@blueprint.get("/accounts/<int:account_id>")
@support_required
def account(account_id: int) -> Response:
    return _page(db.get_or_404(Account, account_id))


@blueprint.get("/accounts/<int:account_id>/events/<int:event_id>")
@blueprint.post("/accounts/<int:account_id>/events/<int:event_id>/replay", endpoint="replay")
@support_required
def event(account_id: int, event_id: int) -> Response:
    """One event, and the form to process it once more."""
    account = db.get_or_404(Account, account_id)
    detail = delivery_log.get_event(connections.require_current(account), event_id)
    form = SupportForm()
    if form.validate_on_submit():
        with transaction():
            support.replay(current_user, account, form.reason.data, event_id)
        here = url_for("support.event", account_id=account.id, event_id=event_id)
        return render.redirect_with_toast(here, "The event is processed again, within seconds.")
    status = 422 if form.errors else 200
    return render.page("support/event.html", status=status, account=account, detail=detail, form=form, for_support=True)


@blueprint.get("/accounts/<int:account_id>/customers")
@support_required
def customers(account_id: int) -> Response:
    """Was this customer processed?"""
    found = db.get_or_404(Account, account_id)
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


@blueprint.post("/accounts/<int:account_id>/<any(check, sync, plan):action>")
@support_required
def act(account_id: int, action: str) -> Response:
    """Without a reason the page comes back with its form."""
    account = db.get_or_404(Account, account_id)
    form = SupportForm()
    if not form.validate():
        return _page(account, 422, form)
    if action == "check":
        check_runner.check_account(account, ask_stripe=True)  # takes long, so it is outside of the transaction
    function, toast = ACTIONS[action]
    details = {"plan": form.plan.data or ""} if action == "plan" else {}
    with transaction():
        function(current_user, account, form.reason.data, **details)
    here = url_for("support.account", account_id=account.id)
    return render.redirect_with_toast(here, toast.format(plan=account.plan.capitalize()))


def _page(account: Account, status: int = 200, form: SupportForm | None = None) -> Response:
    connection = connections.get_for_account(account)
    context = {}
    if connection:
        runs = sync.list_latest(connection)
        context = {
            "runs": [run for run in runs if run.finished_at],
            "run": runs[0] if runs and runs[0].state == SyncState.RUNNING else None,
            "log": delivery_log.page(connection, {}, request.args.get("after")),
            "rejected": delivery_log.rejected_deliveries(connection),
        }
    checks = check_runner.check_account(account)
    return render.page(
        "support/account.html",
        status=status,
        account=account,
        owners=support.owner_emails(account),
        connection=connection,
        groups=check_runner.group_by_question(checks),
        outcome=check_runner.worst_outcome(checks),
        alerts=alerts.open_alerts(account.id),
        entries=support.audit_entries(account),
        form=form or SupportForm(formdata=None, data={"plan": account.plan}),
        for_support=True,
        **context,
    )

"""The support panel: every account with its health, one account with its checks, and what support may do there."""

from flask import Blueprint, Response, request, url_for
from flask_security import current_user

from manimod import jobs
from manimod.accounts import support
from manimod.diagnostics import alerts, check_runner, delivery_log, metrics
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Account
from manimod.models.states import EventState
from manimod.stripe import connections
from manimod.web import modes, render
from manimod.web.auth import support_required
from manimod.web.forms import CustomerSearchForm, SupportForm

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
        heartbeats=jobs.Heartbeats(),
        events_pending=metrics.count_events(EventState.PENDING),
        oldest_waiting_at=metrics.oldest_waiting_at(),
    )


@blueprint.get("/accounts/<int:account_id>")
@support_required
def account(account: Account) -> Response:
    return _page(account)


@blueprint.route("/accounts/<int:account_id>/events/<int:event_id>", methods=["GET", "POST"])
@support_required
def event(account: Account, event_id: int) -> Response:
    """One event, for a reason, and the form to process it once more."""
    detail, form = delivery_log.get_event(account, event_id), SupportForm()
    is_shown, status = form.validate_on_submit(), 422 if form.errors else 200
    if is_shown:
        with transaction():
            support.look(current_user, account, form.reason.data, event=detail.event.stripe_id)
    return render.page(
        "support/event.html", status=status, account=account, detail=detail, form=form, is_shown=is_shown
    )


@blueprint.post("/accounts/<int:account_id>/events/<int:event_id>/replay")
@support_required
def replay(account: Account, event_id: int) -> Response:
    form = SupportForm()
    if not form.validate():
        detail = delivery_log.get_event(account, event_id)
        return render.page("support/event.html", status=422, account=account, detail=detail, form=form, is_shown=False)
    with transaction():
        support.replay(current_user, account, form.reason.data, event_id)
    here = url_for("support.account", account_id=account.id, _anchor="events")
    return render.redirect_with_toast(here, "The event is processed again, within seconds.")


@blueprint.route("/accounts/<int:account_id>/customers", methods=["GET", "POST"])
@support_required
def customers(account: Account) -> Response:
    """Was this customer processed? What is known is shown for a reason only."""
    connection, form, found = modes.require_connection(account), CustomerSearchForm(), None
    if form.validate_on_submit():
        ids = delivery_log.find_ids(connection, form.text.data)
        with transaction():
            support.look(current_user, account, form.reason.data, customers=ids)
        found = delivery_log.get_activity(connection, ids)
    status = 422 if form.errors else 200
    return render.page(
        "support/customers.html", status=status, account=account, connection=connection, form=form, found=found
    )


@blueprint.post("/accounts/<int:account_id>/<any(check, sync, plan):action>")
@support_required
def act(account: Account, action: str) -> Response:
    """Without a reason the page comes back with its form."""
    form = SupportForm()
    if not form.validate():
        return _page(account, 422, form)
    if action == "check":
        # Takes long, so it is outside of the transaction.
        check_runner.run_checks(account, modes.connection_of(account), ask_stripe=True)
    function, toast = ACTIONS[action]
    details = {"plan": form.plan.data or ""} if action == "plan" else {"livemode": modes.shows_live(account)}
    with transaction():
        function(current_user, account, form.reason.data, **details)
    return render.redirect_with_toast(
        url_for("support.account", account_id=account.id), toast.format(plan=account.plan.capitalize())
    )


def _page(account: Account, status: int = 200, form: SupportForm | None = None) -> Response:
    connection = connections.get_for_account(account, modes.shows_live(account))
    context = {}
    if connection:
        context["runs"] = sync.list_latest(connection)
        context["log"] = delivery_log.page(connection, {}, request.args.get("after", type=int))
        context["rejected"] = delivery_log.rejected_deliveries(connection)
    return render.page(
        "support/account.html",
        status=status,
        account=account,
        owners=support.owner_emails(account),
        connection=connection,
        found=check_runner.run_checks(account, modes.connection_of(account)),
        alerts=alerts.open_alerts(account.id),
        entries=support.audit_entries(account),
        form=form or SupportForm(formdata=None, data={"plan": account.plan}),
        **context,
    )

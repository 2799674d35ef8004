"""The support panel: every account with its health, one account with its checks, and what support may do there.

What needs a reason is asked for it once per visit: the reason holds for half an hour, and each look is audited with it.
"""

from flask import Blueprint, Response, request, session, url_for
from flask_security import current_user

from manimod import jobs
from manimod.accounts import support
from manimod.creatives import briefs, review
from manimod.diagnostics import alerts, check_runner, delivery_log, metrics
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Account
from manimod.models.accounts import now
from manimod.models.states import CreativeStatus, EventState
from manimod.moments import record
from manimod.stripe import connections
from manimod.web import modes, render
from manimod.web.auth import support_required
from manimod.web.forms import CustomerSearchForm, SupportForm

# By the last part of the address: what is done, and what the toast says.
ACTIONS = {
    "sync": (support.sync_now, "Sync started."),
    "plan": (support.set_plan, "The account is on {plan}."),
}

VISIT_SECONDS = 30 * 60

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
    detail, form = delivery_log.get_event(account, event_id), with_reason(SupportForm(), account)
    is_shown, status = may_look(form, account), 422 if form.errors else 200
    if is_shown:
        with transaction():
            support.look(current_user, account, form.reason.data, event=detail.event.stripe_id)
    return render.page(
        "support/event.html", status=status, account=account, detail=detail, form=form, is_shown=is_shown
    )


@blueprint.post("/accounts/<int:account_id>/events/<int:event_id>/replay")
@support_required
def replay(account: Account, event_id: int) -> Response:
    form = with_reason(SupportForm(), account)
    if not may_look(form, account):
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
    connection, found = modes.require_connection(account), None
    form = with_reason(CustomerSearchForm(), account)
    if request.method == "POST" and may_look(form, account):
        ids = delivery_log.find_ids(connection, form.text.data)
        with transaction():
            support.look(current_user, account, form.reason.data, customers=ids)
        found = delivery_log.get_activity(connection, ids)
    status = 422 if form.errors else 200
    return render.page(
        "support/customers.html", status=status, account=account, connection=connection, form=form, found=found
    )


@blueprint.post("/accounts/<int:account_id>/<any(sync, plan):action>")
@support_required
def act(account: Account, action: str) -> Response:
    """Without a reason the page comes back with its form."""
    form = with_reason(SupportForm(), account)
    if not may_look(form, account):
        return _page(account, 422, form)
    function, toast = ACTIONS[action]
    details = {"plan": form.plan.data or ""} if action == "plan" else {"livemode": modes.shows_live(account)}
    with transaction():
        function(current_user, account, form.reason.data, **details)
    return render.redirect_with_toast(
        url_for("support.account", account_id=account.id), toast.format(plan=account.plan.capitalize())
    )


@blueprint.post("/accounts/<int:account_id>/check")
@support_required
def check(account: Account) -> Response:
    """Run the checks now, with a question to Stripe. It only looks, so it needs no reason."""
    connection = modes.connection_of(account)
    found = check_runner.run_checks(account, connection, ask_stripe=True)
    if connection:
        with transaction():
            check_runner.save_health(connection, found)
    return render.redirect_with_toast(url_for("support.account", account_id=account.id), "The checks ran just now.")


@blueprint.route("/accounts/<int:account_id>/owner", methods=["GET", "POST"])
@support_required
def owner_pages(account: Account) -> Response:
    """What the owner sees, to read: creatives, brand kit and switches."""
    form = with_reason(SupportForm(), account)
    if not may_look(form, account):
        return render.page("support/owner.html", status=422 if form.errors else 200, account=account, form=form)
    with transaction():
        support.look(current_user, account, form.reason.data, page="owner")
    tab, filters = request.args.get("status"), {"is_test": modes.shows_test(account)}
    tab = tab if tab in review.TABS else CreativeStatus.WAITING
    return render.page(
        "support/owner.html",
        account=account,
        form=form,
        tab=tab,
        counts=review.counts(account, **filters),
        creatives=review.get_page(account, tab, **filters),
        kit=briefs.get_brand_kit(account),
        switches=record.switches(account),
    )


@blueprint.route("/accounts/<int:account_id>/creatives/<int:creative_id>", methods=["GET", "POST"])
@support_required
def creative(account: Account, creative_id: int) -> Response:
    """One creative of the owner's, to read."""
    form, shown = with_reason(SupportForm(), account), review.get(account, creative_id)
    if is_shown := may_look(form, account):
        with transaction():
            support.look(current_user, account, form.reason.data, creative=creative_id)
    status = 422 if form.errors else 200
    return render.page("support/creative.html", status=status, account=account, form=form, creative=is_shown and shown)


@blueprint.app_template_global()
def reason_of_visit(account: Account) -> str:
    """What this person has given as a reason to look at the account within the last half an hour."""
    visit = session.get("visit", {})
    is_on = visit.get("account") == account.id and 0 < visit["until"] - now().timestamp() <= VISIT_SECONDS
    return visit["reason"] if is_on else ""


def with_reason(form: SupportForm, account: Account) -> SupportForm:
    """The form with the reason of the visit, unless another one is given."""
    form.reason.data = form.reason.data or reason_of_visit(account)
    return form


def may_look(form: SupportForm, account: Account) -> bool:
    """Whether there is a reason. One that is given now begins a visit."""
    if request.method == "GET":
        return bool(form.reason.data)
    if not form.validate():
        return False
    until = int(now().timestamp()) + VISIT_SECONDS
    session["visit"] = {"account": account.id, "reason": form.reason.data, "until": until}
    return True


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

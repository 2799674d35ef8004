"""What Stripe's lists say, for the replica and for the moments that no event has brought."""

import math
from datetime import datetime

import structlog
from sqlalchemy import and_, select, update

from manimod import jobs
from manimod.customers import replica
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Connection, Customer, Subscription, SyncRun
from manimod.models.accounts import now
from manimod.models.states import Source
from manimod.moments import compare, interpret, record
from manimod.moments.compare import Baseline
from manimod.moments.interpret import Interpretation
from manimod.stripe.gateway import PAGE_SIZE, Page, StripeGateway
from manimod.stripe.payloads import SETTLED_STATUSES, InvoiceFacts, SubscriptionFacts

log = structlog.get_logger()

FIRST_RUN_SECONDS = 3600  # which the first run may take
MAX_ASKED = 50  # subscriptions of each of Stripe's pages whose invoices are asked for


def write_customers(connection: Connection, page: Page, sync_run: SyncRun | None = None) -> None:
    """A page of customers, and the moments of those that are new since the connection.

    Without a run, the page has only what is new.
    """
    customers = {customer.id: customer for customer in page.rows}
    for erased in replica.find_erased(connection.id, set(customers)):
        del customers[erased]
    in_page = and_(Customer.connection_id == connection.id, Customer.stripe_id.in_(customers))
    known: set[str] = set()
    if sync_run:
        known.update(db.session.scalars(select(Customer.stripe_id).where(in_page, Customer.seen_in_run.is_not(None))))
    observed_at, since = _observed(page), _since(connection, page, sync_run)
    rows, found = [], []
    for customer in customers.values():
        rows.append(replica.customer_row(connection.id, customer, observed_at))
        if customer.id not in known and (customer.created or 0) >= since:
            found.append(interpret.found_customer(customer))
    replica.upsert_customers(rows)
    if sync_run:
        db.session.execute(update(Customer).where(in_page).values(seen_in_run=sync_run.id))
        sync_run.customers += len(customers)
        if not sync_run.cursors.get("customers"):  # the first page
            sync_run.listed_at = page.asked_at
    _record(connection, sync_run, found, set())


def ask_invoices(gateway: StripeGateway, connection_id: int, page: Page) -> dict[str, list[InvoiceFacts]]:
    """The latest invoices of the subscriptions whose payment the list leaves open, of MAX_ASKED a page at most; several
    pages may have been joined.

    What Stripe doesn't give now is decided as for a key that may not read invoices.
    """
    baselines, asked = _baselines(connection_id, page.rows), {}
    most = MAX_ASKED * math.ceil(len(page.rows) / PAGE_SIZE)
    db.session.commit()
    for facts in page.rows:
        if len(asked) == most or not compare.wants_invoices(baselines[facts.id], facts):
            continue
        try:
            asked[facts.id] = gateway.invoices(facts.id)
        except ManimodError as failure:
            log.warning("invoices_not_read", connection=connection_id, code=failure.code)
            break
    return asked


def _baselines(connection_id: int, subscriptions: list[SubscriptionFacts]) -> dict[str, Baseline]:
    """What was last seen of these subscriptions; of those that are new, nothing."""
    baselines = {facts.id: Baseline() for facts in subscriptions}
    synced = (Subscription.synced_status, Subscription.synced_period_start, Subscription.synced_invoice)
    query = select(Subscription.stripe_id, *synced).where(Subscription.connection_id == connection_id)
    for stripe_id, *seen in db.session.execute(query.where(Subscription.stripe_id.in_(baselines))):
        baselines[stripe_id] = Baseline(*seen)
    return baselines


def write_subscriptions(
    connection: Connection,
    page: Page,
    sync_run: SyncRun | None = None,
    invoices: dict[str, list[InvoiceFacts]] | None = None,
) -> None:
    """A page of subscriptions, and the moments in what has changed since they were last read.

    `invoices`: the latest ones of some of them, by subscription.
    """
    listed = {facts.id: facts for facts in page.rows}
    customers = {facts.customer for facts in listed.values() if facts.customer}
    customers -= replica.find_erased(connection.id, customers)
    baselines = _baselines(connection.id, page.rows)
    since, read_at = _since(connection, page, sync_run), int(page.asked_at.timestamp())
    rows, changes, prices, known_invoices = [], [], set(), {}
    for facts in listed.values():
        if facts.customer not in customers:
            continue
        before = baselines[facts.id]
        change = compare.compare(before, facts, since, read_at)
        if sync_run and sync_run.is_first:  # what is already there is no moment, but for who has just come
            change = Interpretation(welcome=change.welcome)
        changes.append(change)
        unpaid = compare.unpaid_invoice(before, facts, read_at)
        known = (invoices or {}).get(facts.id) or filter(None, [unpaid])
        is_open = False
        for invoice in known:
            known_invoices[invoice.id] = replica.invoice_row(connection.id, invoice, _observed(page, invoice.status))
            if (invoice.paid_at or read_at) >= since:
                changes.append(interpret.found_invoice(invoice, read_at))
            is_open |= invoice.period_start == facts.period_start and invoice.status not in SETTLED_STATUSES
        row = replica.subscription_row(connection.id, facts, _observed(page, facts.status))
        if sync_run:
            row["seen_in_run"] = sync_run.id
        remembered = compare.remember(before, facts, read_at, is_open)
        row["synced_status"], row["synced_period_start"] = remembered.status, remembered.period_start
        row["synced_invoice"] = remembered.latest_invoice
        rows.append(row)
        prices.add(facts.price)
    replica.upsert_prices(connection.id, filter(None, prices))
    replica.upsert_subscriptions(rows)
    replica.upsert_invoices(list(known_invoices.values()))
    if sync_run:
        sync_run.subscriptions += len(rows)
    _record(connection, sync_run, changes, customers)


def _observed(page: Page, status: str | None = None) -> datetime:
    return page.asked_at.replace(microsecond=0) + replica.place_in_second(status)


def _since(connection: Connection, page: Page, sync_run: SyncRun | None) -> int:
    """From when on something is new, Unix seconds. To the first run only who has come while it was under way."""
    since = int(connection.connected_at.timestamp())
    if sync_run and sync_run.is_first:
        return max(since + 1, int(page.asked_at.timestamp()) - FIRST_RUN_SECONDS)
    return since


def _record(
    connection: Connection, sync_run: SyncRun | None, meanings: list[Interpretation], customers: set[str]
) -> None:
    """Record what has changed."""
    observations, source = [], Source.SYNC if sync_run else Source.RECENT
    for meaning in meanings:
        if meaning.moments or meaning.welcome:
            observations.append(record.Observation(meaning, source, now()))
    record.record(connection, observations, customers)
    if observations:
        jobs.enqueue("process_events", connection.id)

"""Looking for open moments takes as long with a million finished ones as with none: an index holds the open ones."""

from sqlalchemy import event

from manimod import tasks
from manimod.extensions import db
from tests import stripe_events


def test_queries_for_open_moments_use_their_index(connected, deliver):
    deliver(stripe_events.event("customer.created", stripe_events.customer()))
    plans = {}

    def explain(connection, _cursor, statement, parameters, *_rest):
        if "moment.state = ?" in statement and "EXPLAIN" not in statement:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans[statement] = [step.detail for step in steps if " moment " in f"{step.detail} "]

    event.listen(db.engine, "before_cursor_execute", explain)
    tasks.reconcile()
    tasks.process_events(connected.id)
    event.remove(db.engine, "before_cursor_execute", explain)
    assert len(plans) >= 4  # of the reconciler, of mark_ready, of generate
    quick = ("INDEX ix_moment_open", "INDEX ix_moment_customer", "INTEGER PRIMARY KEY")
    assert not {statement: plan for statement, plan in plans.items() if not any(way in str(plan) for way in quick)}

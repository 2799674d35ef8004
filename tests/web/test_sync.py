from datetime import timedelta

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import SyncRun
from manimod.models.accounts import now

PAGE = "/settings/integrations/stripe"


def test_sync_now_asks_for_a_sync_and_watches_it(as_owner, connection):
    answer = as_owner.htmx("post", f"{PAGE}/sync")
    assert answer.status_code == 200
    assert "Sync started." in answer.text
    assert f'hx-get="{PAGE}/sync"' in answer.text


def test_the_panel_stops_asking_when_the_sync_is_done(as_owner, connection):
    with transaction():
        connection.next_sync_at = now() + timedelta(minutes=40)
        db.session.add(SyncRun(connection_id=connection.id, state="done", customers=12, finished_at=now()))
    panel = as_owner.htmx("get", f"{PAGE}/sync").text
    assert panel.lstrip().startswith('<section id="sync"')
    assert "hx-get" not in panel
    assert "in 40 minutes" in panel


def test_a_failed_sync_says_why(as_owner, connection):
    with transaction():
        connection.next_sync_at = now() + timedelta(minutes=40)
        failed = {"state": "failed", "error_code": "STRIPE_KEY_REJECTED", "finished_at": now()}
        db.session.add(SyncRun(connection_id=connection.id, **failed))
    assert "Stripe rejected this key" in as_owner.get(PAGE).text


def test_progress_is_measured_by_what_the_last_run_read(as_owner, connection):
    with transaction():
        done = {"state": "done", "customers": 600, "subscriptions": 400, "finished_at": now()}
        db.session.add(SyncRun(connection_id=connection.id, **done))
        started = now() - timedelta(seconds=10)
        db.session.add(SyncRun(connection_id=connection.id, customers=150, subscriptions=100, started_at=started))
    panel = as_owner.htmx("get", f"{PAGE}/sync").text
    assert 'max="1000" value="250"' in panel
    assert "150 customers and 100 subscriptions read, of about 1,000 in all" in panel
    assert "hx-get" in panel


def test_the_first_run_knows_no_end(as_owner, connection):
    with transaction():
        db.session.add(SyncRun(connection_id=connection.id, customers=150, is_first=True))
    panel = as_owner.htmx("get", f"{PAGE}/sync").text
    assert "150 customers" in panel
    assert "max=" not in panel
    assert "in all" not in panel


def test_the_last_answer_brings_what_the_sync_has_changed_elsewhere(as_owner, connected, drain):
    drain()
    answer = as_owner.htmx("get", f"{PAGE}/sync").text
    for part in ("trouble", "connection", "sources", "tiers"):
        assert f'id="{part}"' in answer
    assert answer.count('hx-swap-oob="true"') == 5


def test_later_syncs_leave_the_tiers_alone_where_somebody_may_be_typing(as_owner, connected, drain):
    drain()
    as_owner.post(f"{PAGE}/sync")
    drain()
    assert 'id="tiers"' not in as_owner.htmx("get", f"{PAGE}/sync").text


def test_the_last_runs_are_listed_with_what_they_found(as_owner, connection):
    started = now() - timedelta(hours=2)
    counts = {"customers": 1234, "subscriptions": 1200, "gone": 7}
    with transaction():
        connection.next_sync_at = now() + timedelta(minutes=40)
        run = {"state": "done", "started_at": started, "finished_at": started + timedelta(seconds=3)}
        db.session.add(SyncRun(connection_id=connection.id, **run, **counts))
    table = as_owner.get(PAGE).text.split('id="runs"')[1].split("</table>")[0]
    assert "2 hours ago" in table
    assert f"{started:%H:%M:%S} UTC" in table
    for label, value in {"Duration": "3.0 s", "Customers": "1,234", "Removed": 7}.items():
        assert f'data-label="{label}">{value}<' in table
    assert "Done" in table


def test_after_a_disconnect_elsewhere_the_panel_says_so(as_owner, connection):
    as_owner.post(f"{PAGE}/disconnect")
    assert as_owner.htmx("get", f"{PAGE}/sync").status_code == 409


def test_a_plain_form_is_sent_back(as_owner, connection):
    answer = as_owner.post(f"{PAGE}/sync")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#sync")


def test_without_a_connection_it_is_refused(as_owner):
    assert as_owner.post(f"{PAGE}/sync").status_code == 409

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


def test_a_plain_form_is_sent_back(as_owner, connection):
    answer = as_owner.post(f"{PAGE}/sync")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#sync")


def test_without_a_connection_it_is_refused(as_owner):
    assert as_owner.post(f"{PAGE}/sync").status_code == 409

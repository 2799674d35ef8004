"""The owner's troubleshooting page answers the guide's questions from the checks; log, events and customers lead on."""

import inspect
import re

import pytest

from manimod.diagnostics import check_runner, checks
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Customer, Health, StripeEvent
from manimod.models.accounts import now
from tests import factories, stripe_events

PAGE = "/troubleshooting"


@pytest.fixture
def deliver(client, connected, drain):
    drain()  # the first sync is over, so that it doesn't miss customers who are only in the test's events
    client.sends_csrf = False

    def deliver(*events, **how):
        for event in events:
            client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(event, **how))
        drain()

    return deliver


def row(stripe_id):
    return StripeEvent.query.filter_by(stripe_id=stripe_id).one()


# --- the checks ------------------------------------------------------------------------------------------------------


def test_the_three_questions_of_the_guide_come_first(as_owner, connected):
    page = as_owner.get(PAGE).text
    places = [page.index(question) for question in (">API key<", ">Events<", ">Customer data<", "own parts")]
    assert places == sorted(places)


def test_every_check_needs_only_checks_that_exist_and_has_its_sentences():
    for definition in check_runner.CHECKS.values():
        assert set(definition.needs) <= check_runner.CHECKS.keys(), definition.name
        name = "permission" if definition.permission else definition.name
        source = inspect.getsource(getattr(checks.Checks, f"check_{name}"))
        outcomes = set(re.findall(r"\b(good|attention|broken|not_applicable)\b", source))
        assert outcomes | set(re.findall(r'says="(\w+)"', source)) <= definition.says.keys(), definition.name


def test_what_is_broken_stands_on_top_of_its_question_with_what_to_do(as_owner, connected):
    with transaction():
        connected.last_error, connected.failing_since = "STRIPE_KEY_EXPIRED", now()
    page = as_owner.get(PAGE).text
    key = page.split(">API key<")[1].split(">Events<")[0]
    assert "has expired" in key
    assert "Replace the key" in key
    assert 'href="/settings/integrations/stripe?replace=1#connect"' in key


def test_run_checks_now_asks_stripe(as_owner, connected, stripe_account, sandbox):
    sandbox.delete_key(stripe_account["keys"]["test"]["restricted"])
    assert "Stripe rejected this key" not in as_owner.get(PAGE).text
    answer = as_owner.htmx("post", f"{PAGE}/run")
    assert answer.text.lstrip().startswith('<div id="checks"')
    assert "Stripe rejected this key" in answer.text
    assert "Stripe rejected this key" in as_owner.get(PAGE).text, "it stays known"


def test_without_javascript_running_them_leads_back_to_the_page(as_owner, connected):
    answer = as_owner.post(f"{PAGE}/run")
    assert (answer.status_code, answer.location) == (303, PAGE)


def test_what_was_found_is_remembered_for_support(as_owner, account, connected):
    as_owner.post(f"{PAGE}/run")
    assert Health.query.filter_by(account_id=account.id).one().checked_at


@pytest.mark.parametrize("plan", ["free", "pro"])
def test_before_connecting_it_says_what_is_to_be_done(app, plan):
    owner = factories.make_owner(factories.make_account(plan))
    page = app.test_client().sign_in(owner).get(PAGE)
    assert page.status_code == 200
    assert (">Upgrade<" if plan == "free" else "Connect Stripe") in page.text


# --- the delivery log ------------------------------------------------------------------------------------------------


def test_the_log_shows_what_came_with_its_path_delay_and_result(as_owner, deliver):
    deliver(stripe_events.event("customer.created", stripe_events.customer()))
    page = as_owner.get(f"{PAGE}/deliveries").text
    for said in ("customer.created", "Webhook", "Processed"):
        assert said in page
    assert re.search(r"\d\.\d+ s</td>", page)


def test_an_ignored_event_says_why(as_owner, deliver):
    deliver(stripe_events.event("customer.created", stripe_events.customer(), livemode=True))
    assert "A live-mode event, but the key is a test-mode key." in as_owner.get(f"{PAGE}/deliveries").text


def test_refused_deliveries_are_said_by_reason(as_owner, deliver):
    deliver(stripe_events.event("customer.created", stripe_events.customer()), secret="whsec_another")
    page = as_owner.get(f"{PAGE}/deliveries").text
    assert "Rejected deliveries" in page
    assert "The signature doesn&#39;t match" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [("type=customer.updated", 1), ("source=poll", 0), ("result=ignored", 1), ("result=done&type=customer.created", 1)],
)
def test_filters_narrow_the_log(as_owner, deliver, query, shown):
    deliver(
        stripe_events.event("customer.created", stripe_events.customer("cus_1")),
        stripe_events.event("customer.updated", stripe_events.customer("cus_2")),
        stripe_events.event("customer.created", stripe_events.customer("cus_3"), livemode=True),
    )
    assert as_owner.get(f"{PAGE}/deliveries?{query}").text.count("/troubleshooting/events/") == shown


def test_the_log_is_read_page_by_page(as_owner, connected):
    fill(connected, 60)
    page = as_owner.get(f"{PAGE}/deliveries")
    seen = []
    for count in (25, 25, 10):
        ids = [part.split('"')[0] for part in page.text.split("/troubleshooting/events/")[1:]]
        assert len(ids) == count
        seen += ids
        if count == 25:
            further = page.text.split('href="/troubleshooting/deliveries?after=')[1].split('"')[0]
            page = as_owner.get(f"{PAGE}/deliveries?after={further}")
    assert len(set(seen)) == 60
    assert "Older events" not in page.text


@pytest.mark.parametrize("after", ["x", "1e400", "nan", "99999999999999999999999", "", "-1"])
def test_a_made_up_place_in_the_log_is_no_error(as_owner, connected, after):
    assert as_owner.get(f"{PAGE}/deliveries?after={after}").status_code == 200


def test_an_empty_log_says_how_to_fill_it(as_owner, connected):
    assert "No event has arrived yet" in as_owner.get(f"{PAGE}/deliveries").text


# --- one event -------------------------------------------------------------------------------------------------------


def test_an_event_tells_its_story_down_to_the_creative(as_owner, deliver):
    event = stripe_events.event("customer.created", stripe_events.customer())
    deliver(event)
    page = as_owner.get(f"{PAGE}/events/{row(event['id']).id}").text
    steps = ["Happened in Stripe", "Received by webhook", "Processed", "New customer", "In the queue"]
    timeline = page.split('<ol class="timeline')[1].split("</ol>")[0]
    places = [timeline.index(step) for step in steps]
    assert places == sorted(places)
    assert "/creatives/1" in timeline


def test_an_event_shows_which_fields_were_read_and_how_many_were_not(as_owner, deliver):
    event = stripe_events.event("customer.created", stripe_events.customer())
    deliver(event)
    page = as_owner.get(f"{PAGE}/events/{row(event['id']).id}").text
    assert "data.object.name" in page
    assert "were dropped unread" in page
    assert "hazel@example.com" not in page


def test_an_event_of_a_customer_who_was_deleted_is_erased(as_owner, deliver):
    event = stripe_events.event("customer.created", stripe_events.customer())
    deliver(event, stripe_events.event("customer.deleted", stripe_events.customer()))
    page = as_owner.get(f"{PAGE}/events/{row(event['id']).id}").text
    assert "erased their data from this event" in page
    assert "once more" not in page


def test_an_ignored_event_can_be_processed_once_more(as_owner, deliver, connected, account, drain):
    with transaction():
        account.plan = "starter"
    event = stripe_events.event("customer.created", stripe_events.customer())
    deliver(event)
    assert row(event["id"]).state == "ignored"
    with transaction():
        account.plan = "pro"
    as_owner.post(f"{PAGE}/events/{row(event['id']).id}/replay")
    drain()
    assert row(event["id"]).state == "done"
    assert "/creatives/1" in as_owner.get(f"{PAGE}/events/{row(event['id']).id}").text


def test_what_was_processed_is_not_processed_again(as_owner, deliver):
    event = stripe_events.event("customer.created", stripe_events.customer())
    deliver(event)
    assert as_owner.post(f"{PAGE}/events/{row(event['id']).id}/replay").status_code == 409


def test_another_accounts_event_is_not_there(as_owner, connected):
    other = factories.make_connection(factories.make_account(name="Somebody else"))
    fill(other, 1)
    foreign = StripeEvent.query.filter_by(connection_id=other.id).one()
    assert as_owner.get(f"{PAGE}/events/{foreign.id}").status_code == 404
    assert as_owner.post(f"{PAGE}/events/{foreign.id}/replay").status_code == 404


# --- one customer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["cus_1", "hazel", "Hazel Testford", " HAZEL "])
def test_a_customer_is_found_by_id_and_by_name(as_owner, deliver, query):
    deliver(stripe_events.event("customer.created", stripe_events.customer()))
    page = as_owner.get(f"{PAGE}/customers", query_string={"q": query}).text
    assert "Hazel Testford" in page
    assert "New customer" in page
    assert "See the creative" in page


@pytest.mark.parametrize("query", ["nobody", "100%", "_", "'; DROP TABLE customer"])
def test_an_unknown_customer_is_said_to_be_unknown(as_owner, deliver, query):
    deliver(stripe_events.event("customer.created", stripe_events.customer()))
    page = as_owner.get(f"{PAGE}/customers", query_string={"q": query}).text
    assert "mani doesn't know this customer" in page
    assert "Hazel" not in page


def test_another_accounts_customer_is_unknown(as_owner, connected, app):
    other = factories.make_connection(factories.make_account(name="Somebody else"))
    fill(other, 1, stripe_customer_id="cus_foreign")
    assert "mani doesn't know" in as_owner.get(f"{PAGE}/customers?q=cus_foreign").text


@pytest.mark.both_databases
def test_a_name_is_found_by_its_beginning(as_owner, connection):
    with transaction():
        one = {"stripe_id": "cus_1", "name": "Ünal_ Testford", "created_at": now()}
        db.session.add(Customer(connection_id=connection.id, **one))
    for text in ("Ünal_ te", "Ünal_ Testford", "cus_1"):
        assert "cus_1" in as_owner.get(f"{PAGE}/customers", query_string={"q": text}).text.split("found-customers")[1]
    for text in ("ford", "Ünalx"):
        page = as_owner.get(f"{PAGE}/customers", query_string={"q": text}).text
        assert "by the start of the name" in page


def fill(connection, count, **columns):
    with transaction():
        for number in range(count):
            event = {
                "connection_id": connection.id,
                "stripe_id": f"evt_fill_{number}",
                "type": "customer.updated",
                "source": "webhook",
                "facts": {},
                "created_at": now(),
                "received_at": now(),
                "state": "done",
            }
            db.session.add(StripeEvent(**event | columns))

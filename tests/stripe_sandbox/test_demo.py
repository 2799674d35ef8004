from . import demo


def test_the_demo_account_has_two_years_of_customers(control):
    account = demo.seed(control)
    client = control.client(account["keys"]["test"]["restricted"])
    customers = client.v1.customers.list({"limit": 100}).data
    assert len(customers) == 40
    assert client.v1.accounts.retrieve_current().settings.dashboard.display_name == "Brightside Studio"
    assert max(each.created for each in customers) - min(each.created for each in customers) > 500 * 86400


def test_playing_makes_every_kind_of_event_flow(control, receiver):
    account, told = demo.seed(control), []
    endpoint = control.create_endpoint(account["id"], receiver.url)
    done = demo.play(control, account, pause=0, tell=told.append)
    assert control.wait_for_deliveries()
    kinds = {event.type for event in receiver.events(endpoint["secret"])}
    assert {"customer.created", "customer.subscription.created", "invoice.paid"} <= kinds
    assert {"invoice.payment_failed", "customer.subscription.deleted"} <= kinds
    assert len(done) == len(told) == 7

"""The event switches: green when on, saved at once by htmx, and by a button without JavaScript."""

import re

from manimod.lifecycle import KINDS
from manimod.moments import record

PAGE = "/settings/integrations/stripe"


def is_on(page, kind):
    switch = re.search(f'<input[^>]* id="switch-{kind}"[^>]*>', page)
    return " checked" in switch[0]


def test_every_switch_is_on_at_first(as_owner, connection):
    page = as_owner.get(PAGE).text
    assert all(is_on(page, kind) for kind in KINDS)


def test_htmx_saves_one_switch_at_once(as_owner, account, connection):
    answer = as_owner.htmx("post", f"{PAGE}/events/renewed", data={"new_customer": "on"})
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<li id="event-renewed"')
    assert 'id="toasts"' in answer.text
    assert not is_on(answer.text, "renewed")
    assert record.switches(account) == {kind: kind != "renewed" for kind in KINDS}
    assert is_on(as_owner.htmx("post", f"{PAGE}/events/renewed", data={"renewed": "on"}).text, "renewed")


def test_a_plain_form_saves_them_all(as_owner, account, connection):
    answer = as_owner.post(f"{PAGE}/events", data={"cancelled": "on"})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#events")
    assert [kind for kind, on in record.switches(account).items() if on] == ["cancelled"]
    assert "Events saved." in as_owner.get(PAGE).text


def test_an_unknown_event_is_not_there(as_owner, connection):
    assert as_owner.post(f"{PAGE}/events/birthday", data={"birthday": "on"}).status_code == 404

"""Replacing the key: the same Stripe account keeps its data, another one asks first."""

import re

import pytest
from sqlalchemy import func, select

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Tier

PAGE = "/settings/integrations/stripe"


@pytest.fixture
def tier(connected) -> Tier:
    with transaction():
        tier = Tier(connection_id=connected.id, stripe_product_id="prod_team", owner_name="Team")
        db.session.add(tier)
    return tier


@pytest.fixture
def other_key(sandbox) -> str:
    return sandbox.create_account("Another Studio")["keys"]["test"]["restricted"]


def replace(client, key, **more):
    return client.post(f"{PAGE}/connect", data={"api_key": key, **more})


def tiers_kept():
    return db.session.scalar(select(func.count()).select_from(Tier))


def test_the_form_stands_alone_and_can_be_left(as_owner, connected):
    page = as_owner.get(f"{PAGE}?replace=1").text
    assert "Replace the API key" in page
    assert ">Cancel<" in page
    assert 'id="sync"' not in page
    assert "start_over" not in page


def test_another_key_of_the_same_account_keeps_everything(as_owner, connected, stripe_account, tier, sandbox):
    as_owner.post(f"{PAGE}/name", data={"name": "Juniper"})
    assert replace(as_owner, sandbox.create_key(stripe_account["id"])).status_code == 303
    assert tiers_kept() == 1
    assert connected.encrypted_signing_secret
    assert connected.stripe_account_name == "Juniper", "as its owner typed it"


def test_a_key_of_another_account_asks_before_anything_is_lost(as_owner, connected, stripe_account, tier, other_key):
    answer = replace(as_owner, other_key)
    assert answer.status_code == 409
    assert "another Stripe account than the one connected in test mode" in answer.text
    assert 'name="start_over"' in answer.text
    assert 'id="api_key-error"' in answer.text
    assert other_key not in answer.text
    assert connected.stripe_account_id == stripe_account["id"]
    assert tiers_kept() == 1


def test_a_key_of_the_other_mode_replaces_nothing(as_owner, connected, stripe_account, tier):
    assert replace(as_owner, stripe_account["keys"]["live"]["restricted"]).status_code == 303
    assert connected.is_connected
    assert not connected.livemode
    assert tiers_kept() == 1


def test_starting_over_forgets_the_old_account(as_owner, connected, stripe_account, tier, other_key):
    assert replace(as_owner, other_key, start_over="on").status_code == 303
    assert connected.stripe_account_id != stripe_account["id"]
    assert connected.is_connected
    assert tiers_kept() == 0


def test_the_consent_outlives_a_wrong_key(as_owner, connected):
    answer = replace(as_owner, "hello", start_over="on")
    assert answer.status_code == 422
    box = re.search(r'<input[^>]* name="start_over"[^>]*>', answer.text)
    assert " checked" in box[0]

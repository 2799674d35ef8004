"""What is taken out of products and of the account: what customers may see, bounded, and never cut in the middle."""

import pytest

from manimod.stripe.catalogue import read_product, read_profile
from manimod.stripe.reader import Reader


def product(**fields: object):
    return read_product(Reader({"id": "prod_team", "object": "product", "name": "Team"} | fields))


@pytest.mark.parametrize("field", ["marketing_features", "features"])
def test_features_are_read_under_their_name_of_today_and_of_before_2024(field):
    listed = [{"name": "Timeline view"}, {"name": None}, {}, {"name": "Timeline view"}, {"name": " Two\n lines "}]
    assert product(**{field: listed}).features == ["Timeline view", "Two lines"]


def test_as_many_features_as_stripe_takes_and_none_of_them_cut():
    listed = [{"name": f"Thing {number}"} for number in range(30)]
    assert len(product(marketing_features=listed).features) == 15
    assert product(marketing_features=[{"name": "x" * 201}, {"name": "x" * 80}]).features == ["x" * 80]


def test_a_description_is_whole_or_not_there():
    assert product(description="For teams.\nAnd more.").description == "For teams.\nAnd more."
    assert product(description="x" * 2001).description is None


@pytest.mark.parametrize(
    ("key", "value", "is_kept"),
    [
        ("features", "Ad-free feed | Listener chat", True),
        ("features", '["Our thanks", "Episode notes"]', True),
        ("generated_images", "10", True),
        ("support_level", "email", True),
        ("order", "3", False),
        ("planId", "pro-2024", False),
        ("stripe_id", "x", False),
        ("customer_email", "ada", False),
        ("features", "https://brightside.example/features", False),
        ("features", "ada@example.com", False),
        ("features", "prod_2ZQ9R05W11Q445", False),
        ("includes_api", "true", False),
        ("internal", "ask Tom", False),
        ("features", "x" * 501, False),
    ],
)
def test_of_metadata_only_what_may_say_what_a_product_does_is_kept(key, value, is_kept):
    assert product(metadata={key: value}).notes == ({key: value} if is_kept else {})


@pytest.mark.parametrize("metadata", [None, [], "text", {"features": 7}, {f"feature_{n}": "x" for n in range(50)}])
def test_metadata_of_any_shape_stays_small(metadata):
    assert len(product(metadata=metadata).notes) <= 12


def test_addresses_are_public_ones():
    images = ["https://files.example/a.png", "http://files.example/b.png", "file:///etc/passwd", 7, "x" * 500]
    found = product(images=images, url="brightside.example/team")
    assert (found.images, found.url) == (["https://files.example/a.png"], "https://brightside.example/team")
    assert product(url="javascript:alert(1)").url is None


def test_a_deleted_product_is_not_sold():
    assert product(deleted=True).active is False
    assert product(active=False).active is False
    assert product().active is True


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, {"id": 7}, {"id": ""}])
def test_what_is_no_product_is_none(junk):
    assert read_product(Reader(junk)) is None


@pytest.mark.parametrize(
    ("business", "support"),
    [
        ({"support_url": "https://brightside.example/help", "support_email": "help@brightside.example"}, "https"),
        ({"support_email": "help@brightside.example"}, "help@brightside.example"),
        ({"support_phone": "+49 30 5550199"}, None),
        ({"support_url": "javascript:alert(1)", "support_email": "not one"}, None),
        ({}, None),
    ],
)
def test_help_is_an_address_that_the_account_has_made_public(business, support):
    found = read_profile(Reader({"business_profile": business})).get("support")
    assert found == support or (support == "https" and found == "https://brightside.example/help")


def test_the_account_shows_its_name_website_and_colours_and_nothing_else():
    business = {"name": "Brightside", "url": "brightside.example", "mcc": "7372", "product_description": "internal"}
    branding = {"primary_color": "#1F4D4A", "secondary_color": "red", "logo": "file_1", "icon": "file_2"}
    assert read_profile(Reader({"business_profile": business, "settings": {"branding": branding}})) == {
        "name": "Brightside",
        "website": "https://brightside.example",
        "primary_color": "#1f4d4a",
    }

"""Customers that are plainly made up: plants for first names, compounds for last names, addresses that nobody has."""

import json


def words(text, separator=None):
    return text.split(separator)


FIRST = words(
    "Amber Basil Clover Dahlia Elm Fern Ginger Hazel Iris Juniper Kale Linden Marigold Nettle Olive Poppy Quince "
    "Rowan Saffron Tansy Umbel Violet Willow Yarrow Zinnia Bryony Sorrel Lovage Myrtle Thymé"
)
START = words("Ash Birch Brook Cedar Clear Corn Dove Elder Fair Glen Heather Lark Maple Moss North Pebble River Stone")
END = words("acre bank bridge cotton dale field ford gate hollow moor ridge shaw stead thorpe water well wick yard")
STREETS = words("Sample Street,Example Lane,Specimen Road,Placeholder Way,Pattern Square,Mock Terrace", ",")
PLACES = (
    ("Samplewick", "US", "00001"),
    ("Testford", "GB", "ZZ1 1ZZ"),
    ("Musterstadt", "DE", "00000"),
    ("Exempleville", "FR", "00002"),
    ("Specimen Bay", "CA", "X0X 0X0"),
)
# Two in a table for speed: a draw for each part of a name is what seeding a hundred thousand spends its time on.
PEOPLE = [(first, start + end) for first in FIRST for start in START for end in END]


def person(draw):
    """name, email, phone, line1, city, country, postal_code; escaped for JSON, as the templates want them."""
    number = draw.getrandbits(48)
    first, last = PEOPLE[number % len(PEOPLE)]
    city, country, postal_code = PLACES[number % len(PLACES)]
    tail = number % 9973
    plain = "thyme" if first == "Thymé" else first.lower()
    return (
        json.dumps(f"{first} {last}")[1:-1],
        f"{plain}.{last.lower()}.{tail}@example.com",
        f"+1555010{tail % 10000:04}",
        f"{tail % 400 + 1} {STREETS[tail % len(STREETS)]}",
        city,
        country,
        postal_code,
    )


def unescaped(name):
    return json.loads(f'"{name}"')

"""The objects of one kind, in Stripe's list order, held as the JSON that goes out.

An object is kept serialised, so a page is a join of ready bytes. Every field that lists filter by has its own ordered
index of (created, sequence, id), so a cursor is found by bisection and no page scans what it does not return.
"""

import json
from bisect import bisect_left, bisect_right, insort
from itertools import count, islice

from . import errors

EVERYTHING = "", None
SEQUENCE = count()


def dump(value) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Collection:
    def __init__(self, kind: str, facts=None):
        """`facts` says for an object the values that it can be found by, as a dictionary."""
        self.kind = kind
        self._facts_of = facts or (lambda obj: {})
        self._sources = {}  # id -> bytes, or a seeded record that renders them
        self._facts = {}
        self._keys = {}  # kept after removal: a cursor may point at a removed object
        self._index = {EVERYTHING: []}

    def __contains__(self, ident):
        return ident in self._sources

    def __len__(self):
        return len(self._sources)

    def add(self, obj: dict) -> dict:
        ident = obj["id"]
        self._sources[ident] = dump(obj)
        created = obj["created"] if "created" in obj else obj["date"]  # an invoice item has the latter
        self._keys[ident] = (created, next(SEQUENCE), ident)
        self._facts[ident] = self._facts_of(obj)
        self._insert(ident)
        return obj

    def add_many(self, records):
        """Records are (id, created, source, facts); the indexes are sorted once at the end."""
        touched = {}
        for ident, created, source, facts in records:
            self._sources[ident], self._facts[ident] = source, facts
            key = self._keys[ident] = (created, next(SEQUENCE), ident)
            for place in places(facts):
                keys = self._index.get(place)
                if keys is None:
                    keys = self._index[place] = []
                keys.append(key)
                if len(keys) > 1 and keys[-2] > key:
                    touched[place] = keys
        for keys in touched.values():
            keys.sort()

    def save(self, obj: dict) -> dict:
        ident, facts = obj["id"], self._facts_of(obj)
        self._sources[ident] = dump(obj)
        if facts != self._facts[ident]:
            self._withdraw(ident)
            self._facts[ident] = facts
            self._insert(ident)
        return obj

    def remove(self, ident):
        self._withdraw(ident)
        del self._sources[ident], self._facts[ident]

    def removed(self, ident) -> bool:
        return ident in self._keys and ident not in self._sources

    def raw(self, ident) -> bytes:
        source = self._sources[ident]
        return source if isinstance(source, bytes) else source.render()

    def get(self, ident) -> dict:
        """A fresh copy each time, so that a caller may change it before saving."""
        return json.loads(self.raw(ident))

    def find(self, **filters):
        keys, accepts = self._narrow(filters)
        return [self.get(key[2]) for key in keys if accepts(self._facts[key[2]])]

    def page(self, filters, limit, after=None, before=None, since=None, until=None):
        """Newest first: the raw objects and whether more follow. `since` and `until` bound `created`, both included."""
        keys, accepts = self._narrow(filters)
        low = 0 if since is None else bisect_left(keys, (since,))
        high = len(keys) if until is None else bisect_left(keys, (until + 1,))
        if before is not None:
            walk = range(max(low, bisect_right(keys, self._cursor(before, "ending_before"))), high)
        else:
            if after is not None:
                high = min(high, bisect_left(keys, self._cursor(after, "starting_after")))
            walk = range(high - 1, low - 1, -1)
        matching = (keys[place][2] for place in walk if accepts(self._facts[keys[place][2]]))
        found = list(islice(matching, limit + 1))
        more, found = len(found) > limit, found[:limit]
        if before is not None:
            found.reverse()
        return [self.raw(ident) for ident in found], more

    def _narrow(self, filters):
        """The shortest index that holds every match, and a test for the filters that it does not settle."""
        keys = self._index[EVERYTHING]
        for name, wanted in filters.items():
            if not callable(wanted):
                candidates = self._index.get((name, wanted), [])
                keys = candidates if len(candidates) < len(keys) else keys
        if not filters:
            return keys, lambda facts: True
        return keys, lambda facts: all(matches(facts.get(name), wanted) for name, wanted in filters.items())

    def _cursor(self, ident, param):
        if ident not in self._keys:
            raise errors.StripeError(400, f"No such {self.kind}: '{ident}'", code="resource_missing", param=param)
        return self._keys[ident]

    def _insert(self, ident):
        key = self._keys[ident]
        for place in places(self._facts[ident]):
            insort(self._index.setdefault(place, []), key)

    def _withdraw(self, ident):
        key = self._keys[ident]
        for place in places(self._facts[ident]):
            keys = self._index[place]
            del keys[bisect_left(keys, key)]


def places(facts):
    yield EVERYTHING
    for name, value in facts.items():
        if isinstance(value, dict):
            continue
        if isinstance(value, tuple):
            yield from ((name, each) for each in value)
        else:
            yield name, value


def matches(value, wanted):
    if callable(wanted):
        return wanted(value)
    return wanted in value if isinstance(value, tuple) else wanted == value

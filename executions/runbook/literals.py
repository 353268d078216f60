"""Whether a value written in a document is of the type that is expected there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from .template import has_reference
from .types import Value

_DIGITS: Final = re.compile(r"-?[0-9]{1,18}")
_WORDS: Final = {
    "String": "text in quotes",
    "StringList": "a list of texts",
    "Boolean": "true or false, without quotes",
    "Integer": "an integer, without quotes",
    "StringMap": "a map",
    "MapList": "a list of maps",
}


def describe_type(type_name: str) -> str:
    """What a person writes for a value type."""
    return _WORDS[type_name]


def fits_declaration(value: Value, type_name: str) -> bool:
    """Whether a default may stand for a parameter or variable of a value type.

    AWS, "Data elements and parameters": of the very type, no number or boolean in quotes.
    Published documents also leave defaults empty and write maps as JSON text.
    """
    if value is None or value == "":
        return type_name not in ("Boolean", "Integer")
    if isinstance(value, str) and type_name in ("StringMap", "MapList"):
        value = _read_json(value)
        if type_name == "MapList" and isinstance(value, dict):
            return True
    return _DECLARED[type_name](value)


def fits_input(value: Value, type_name: str) -> bool:
    """Whether a step input as written may be of a value type; what is referenced is not known.

    Looser than a default: scalars serve as text, digits as integers, one text as a list.
    """
    if isinstance(value, str) and has_reference(value):
        return True
    check = _WRITTEN.get(type_name)
    return check is None or check(value)


def _read_json(text: str) -> Value:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_integer(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_scalar(value: Value) -> bool:
    return isinstance(value, str | int | float | bool)


def _is_map(value: Value) -> bool:
    return isinstance(value, dict)


def _is_list(value: Value, test: Callable[[Value], bool]) -> bool:
    return isinstance(value, list) and all(test(item) for item in value)


def _is_reference(value: Value) -> bool:
    return isinstance(value, str) and has_reference(value)


_DECLARED: Final[dict[str, Callable[[Value], bool]]] = {
    "String": lambda value: isinstance(value, str),
    "StringList": lambda value: _is_list(value, lambda item: isinstance(item, str)),
    "Boolean": lambda value: isinstance(value, bool),
    "Integer": _is_integer,
    "StringMap": _is_map,
    "MapList": lambda value: _is_list(value, _is_map),
}
_WRITTEN: Final[dict[str, Callable[[Value], bool]]] = {
    "String": _is_scalar,
    "StringList": lambda value: _is_scalar(value) or _is_list(value, _is_scalar),
    "Boolean": lambda value: isinstance(value, bool) or value in ("true", "false", "True", "False"),
    "Integer": lambda value: (
        _is_integer(value) or (isinstance(value, str) and _DIGITS.fullmatch(value) is not None)
    ),
    "StringMap": _is_map,
    "MapList": lambda value: _is_list(value, lambda item: _is_map(item) or _is_reference(item)),
}

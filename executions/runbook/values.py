"""Parameter values: from the lists of strings on the wire to typed values, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from .constraints import BadValue, check_constraints
from .json_text import read_json
from .template import render, whole_reference
from .tree import UNSTORABLE
from .types import DocumentRefused, Parameter, Runbook, Value, clip

WHOLE: Final = ""  # the key of problems that belong to no single parameter
MAX_TOTAL: Final = 64 * 1024  # bytes of all supplied values together
MAX_ITEMS: Final = 50  # AWS, "AutomationParameterValueList"
_DIGITS: Final = re.compile(r"[-+]?[0-9]{1,18}")
_TRUTHS: Final = {"true": True, "false": False}

__all__ = [
    "WHOLE",
    "BadValue",
    "Bound",
    "bind",
    "from_wire",
    "stored_name",
    "to_wire",
    "type_default",
    "variable_defaults",
]


@dataclass(frozen=True, slots=True)
class Bound:
    """The values a run starts with.

    `values` were supplied: typed, and never expanded. `defaults` come from the document and may
    hold references, to be expanded at each use. `lookups` (parameter -> name in the Parameter
    Store) have to be read before the run starts, see with_looked_up(). `problems` holds messages
    by parameter name, those of no single parameter under WHOLE; with any the run must not start.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    defaults: Mapping[str, Value] = field(default_factory=dict)
    lookups: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """All problems in one text, as InvalidAutomationExecutionParametersException has them."""
        return " ".join(text for texts in self.problems.values() for text in texts)

    def with_looked_up(self, found: Mapping[str, Value]) -> Bound:
        """The same with what the Parameter Store holds, by parameter name, taken as supplied."""
        left = {name: where for name, where in self.lookups.items() if name not in found}
        return replace(self, values={**self.values, **found}, lookups=left)


def bind(runbook: Runbook, supplied: Mapping[str, Sequence[str]]) -> Bound:
    """Check supplied wire values against the declared parameters, all problems at once.

    Supplied values are checked against every constraint, defaults against none: published
    runbooks have defaults their own pattern refuses.
    """
    values: dict[str, Value] = {}
    defaults: dict[str, Value] = {}
    lookups: dict[str, str] = {}
    problems = _check_names(runbook, supplied)
    for name, parameter in runbook.parameters.items():
        if name in supplied:
            try:
                values[name] = _read_supplied(parameter, supplied[name])
            except BadValue as error:
                problems[name] = (str(error),)
        elif parameter.required:
            problems[name] = (f"Missing required parameter: {name}.",)
        elif stored := stored_name(parameter):
            lookups[name] = stored
        else:
            defaults[name] = type_default(parameter)
    return Bound(values, defaults, lookups, problems)


def _read_supplied(parameter: Parameter, items: Sequence[str]) -> Value:
    if len(items) > MAX_ITEMS:
        raise BadValue(
            f"Parameter {parameter.name} has {len(items)} items; a list takes at most {MAX_ITEMS}."
        )
    return from_wire(parameter, items)


def _check_names(
    runbook: Runbook, supplied: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    problems: list[str] = []
    if unknown := sorted(supplied.keys() - runbook.parameters.keys()):
        problems.append(f"Undefined execution inputs: {', '.join(map(clip, unknown))}.")
    size = sum(
        len(text.encode("utf-8", "surrogatepass")) for items in supplied.values() for text in items
    )
    if size > MAX_TOTAL:
        problems.append(f"The parameters hold {size} bytes; at most {MAX_TOTAL} are allowed.")
    return {WHOLE: tuple(problems)} if problems else {}


def stored_name(parameter: Parameter) -> str | None:
    """The name in Parameter Store of a default that is written as `{{ssm:name}}`."""
    default = parameter.default
    reference = whole_reference(default) if isinstance(default, str) else None
    if reference is None or not reference.startswith("ssm:"):
        return None
    return reference.removeprefix("ssm:")


def type_default(parameter: Parameter) -> Value:
    """A declared default as a value of its type; documents write empty and JSON text ones too."""
    default = parameter.default
    if isinstance(default, str) and whole_reference(default):
        return default
    empty: dict[str, Value] = {"String": "", "StringList": [], "StringMap": {}, "MapList": []}
    if default is None or default == "":
        return empty.get(parameter.value_type)
    if isinstance(default, str) and parameter.value_type in ("StringMap", "MapList"):
        try:
            return _READERS[parameter.value_type](parameter.name, [default])
        except BadValue:
            return default
    return default


def variable_defaults(runbook: Runbook) -> dict[str, Value]:
    """What the variables of a run hold at first, as values of their types."""
    return {
        name: type_default(Parameter(name, variable.type, default=variable.default))
        for name, variable in runbook.variables.items()
    }


def from_wire(parameter: Parameter, items: Sequence[str]) -> Value:
    """The typed, checked value of a list of strings; BadValue with a message if it is none."""
    if any(UNSTORABLE.search(item) for item in items):
        raise BadValue(f"Parameter {parameter.name} holds a NUL or half a surrogate pair.")
    value = _READERS[parameter.value_type](parameter.name, items)
    check_constraints(parameter, value)
    return value


def to_wire(value: Value) -> list[str]:
    """The list of strings of a value, as the API returns parameters and outputs.

    A scalar or a map is one string, a list one string per item, maps as JSON text.
    """
    if value is None:
        return []
    return [render(item) for item in value] if isinstance(value, list) else [render(value)]


def _one(name: str, items: Sequence[str]) -> str:
    if len(items) != 1:
        raise BadValue(f"Parameter {name} takes one value, not {len(items)}.")
    return items[0]


def _read_text(name: str, items: Sequence[str]) -> Value:
    return _one(name, items)


def _read_texts(name: str, items: Sequence[str]) -> Value:
    return list(items)


def _read_boolean(name: str, items: Sequence[str]) -> Value:
    text = _one(name, items)
    if text.lower() not in _TRUTHS:
        raise BadValue(f"Parameter {name} has value {text!r:.80}; write true or false.")
    return _TRUTHS[text.lower()]


def _read_integer(name: str, items: Sequence[str]) -> Value:
    text = _one(name, items).strip()
    if not _DIGITS.fullmatch(text):
        raise BadValue(f"Parameter {name} has value {text!r:.80}; write an integer, like 42.")
    return int(text)


def _read_map(name: str, items: Sequence[str]) -> Value:
    value = _read_json(name, _one(name, items))
    if not isinstance(value, dict):
        raise BadValue(f'Parameter {name} takes a JSON object, like {{"key": "value"}}.')
    return value


def _read_maps(name: str, items: Sequence[str]) -> Value:
    values = [_read_json(name, item) for item in items if item.strip()]
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    if not all(isinstance(value, dict) for value in values):
        raise BadValue(f'Parameter {name} takes JSON objects, like {{"key": "value"}}.')
    return values


def _read_json(name: str, text: str) -> Value:
    try:
        return read_json(text).data
    except DocumentRefused as refused:
        reason = refused.problems[0].message
        raise BadValue(f"Parameter {name} holds text that cannot be read. {reason}") from refused


_READERS: Final[dict[str, Callable[[str, Sequence[str]], Value]]] = {
    "String": _read_text,
    "StringList": _read_texts,
    "Boolean": _read_boolean,
    "Integer": _read_integer,
    "StringMap": _read_map,
    "MapList": _read_maps,
}

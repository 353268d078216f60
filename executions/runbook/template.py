"""References `{{ … }}`: find them, look them up, put values in their place without rescanning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from .types import Value

_NAME: Final = r"[A-Za-z0-9_]+"
# What is not of this form (`{{.Names}}`, `{{ {{p}} }}`) is somebody else's text.
REFERENCE: Final = re.compile(
    rf"\{{\{{\s*((?:global|automation|variable|ssm|resolve|secretsmanager):[^\s{{}}]+"
    rf"|{_NAME}(?:\.{_NAME})*)\s*\}}\}}"
)
SYSTEM_NAMES: Final = frozenset(
    {
        *("global:ACCOUNT_ID", "global:DATE", "global:DATE_TIME", "global:REGION"),
        *("global:AWS_PARTITION", "automation:EXECUTION_ID"),
    }
)
DATES: Final = ("global:DATE", "global:DATE_TIME")  # others at each use
CODE_INPUTS: Final = frozenset({"Script"})


class MissingValue(Exception):
    """A reference that names nothing now: a step not run, an output not produced."""

    def __init__(self, reference: str) -> None:
        self.reference = reference
        super().__init__(f"{{{{ {reference} }}}} has no value: {_explain(reference)}")


def _explain(reference: str) -> str:
    if reference.startswith("ssm:"):
        return "Parameter Store values are read only as the default of a parameter."
    if reference.startswith("variable:"):
        return "the runbook declares no such variable."
    if ":" in reference:
        return "there is no such system value."
    if "." in reference:
        return "the step has not run or did not produce this output."
    return "the runbook declares no such parameter."


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything a reference can name at one moment.

    `parameters`: supplied, typed values, never expanded. `defaults`: values from the document,
    whose references are expanded at each use, once. `outputs`: step name -> output name -> value;
    those of a loop are CurrentIteration and CurrentIteratorValue. `system`: what system_values()
    gives.
    """

    parameters: Mapping[str, Value] = field(default_factory=dict)
    defaults: Mapping[str, Value] = field(default_factory=dict)
    variables: Mapping[str, Value] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)

    def lookup(self, reference: str) -> Value:
        """The value of `name`, `step.Output`, `variable:x`, `global:X`; or MissingValue."""
        if reference in self.parameters:
            return self.parameters[reference]
        if reference in self.defaults:
            return self._expand_default(reference)
        if "." in reference and ":" not in reference:
            return self._lookup_output(reference)
        table: Mapping[str, Value] = self.system
        name = reference
        if reference.startswith("variable:"):
            table, name = self.variables, reference.removeprefix("variable:")
        if name not in table:
            raise MissingValue(reference)
        return table[name]

    def _lookup_output(self, reference: str) -> Value:
        step, _, name = reference.partition(".")
        if name in self.outputs.get(step, ()):
            return self.outputs[step][name]
        if name == "OutputPayload" and step in self.outputs:
            return write_payload(self.outputs[step])
        raise MissingValue(reference)

    def _expand_default(self, name: str) -> Value:
        """A default with its references replaced; those inside them stay text (depth 1)."""
        default = self.defaults[name]
        if not has_reference(default):
            return default
        flat = Scope(
            parameters={**self.defaults, **self.parameters},
            variables=self.variables,
            system=self.system,
        )
        return resolve(default, flat)


def system_values(
    *, execution_id: str, account: str, region: str, now: datetime, partition: str = "aws"
) -> dict[str, str]:
    """The `global:*` and `automation:*` values of a run at `now` (aware; dates are UTC's).

    AWS, "Automation system variables". To be made anew for each step, as the dates move on.
    """
    utc = now.astimezone(UTC)
    return {
        "automation:EXECUTION_ID": execution_id,
        "global:ACCOUNT_ID": account,
        "global:REGION": region,
        "global:AWS_PARTITION": partition,
        "global:DATE": utc.strftime("%Y-%m-%d"),
        "global:DATE_TIME": utc.strftime("%Y-%m-%d_%H.%M.%S"),
    }


def write_payload(outputs: Mapping[str, Value]) -> str:
    """A step's `OutputPayload`: JSON text of all its outputs."""
    return _write(dict(outputs))


def whole_reference(text: str) -> str | None:
    """The reference a text consists of, if it is nothing else."""
    match = REFERENCE.fullmatch(text.strip())
    return match[1] if match else None


def has_reference(value: Value) -> bool:
    """Whether there is anything to resolve in a value."""
    return next(walk_references(value), None) is not None


def walk_references(
    value: Value, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every reference in a value and its path below it; map keys are not looked at."""
    if isinstance(value, str):
        for match in REFERENCE.finditer(value):
            yield path, match[1]
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk_references(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk_references(item, (*path, index))


def find_references(value: Value) -> list[str]:
    """Every reference in a value, in order, spaces stripped."""
    return [reference for _, reference in walk_references(value)]


def resolve(value: Value, scope: Scope) -> Value:
    """A copy of the value with every reference replaced; MissingValue if one has no value.

    A text that is one reference becomes the value with its type; inside a list, a list is
    spliced in; in other text, values are written as text. What is put in is never looked at
    again, so a value cannot smuggle in a reference.
    """
    if isinstance(value, str):
        return _resolve_text(value, scope)
    if isinstance(value, Mapping):
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return _resolve_list(value, scope)
    return value


def resolve_inputs(inputs: Mapping[str, Value], scope: Scope) -> dict[str, Value]:
    """Resolve a step's inputs; `Script` is code, whose braces are its own, and stays as written."""
    return {
        name: value if name in CODE_INPUTS else resolve(value, scope)
        for name, value in inputs.items()
    }


def render(value: Value) -> str:
    """A value as text: JSON, except that text and null stand bare."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _write(value: Value) -> str:
    """As JSON with its keys in order: the same value is the same text, also from PostgreSQL."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _put_in(value: Value) -> str:
    """A value inside other text."""
    return _write(value) if isinstance(value, Mapping | list) else render(value)


def _resolve_text(text: str, scope: Scope) -> Value:
    if "{{" not in text:
        return text
    if whole := whole_reference(text):
        return scope.lookup(whole)
    return REFERENCE.sub(lambda match: _put_in(scope.lookup(match[1])), text)


def _resolve_list(items: list[Value], scope: Scope) -> list[Value]:
    resolved: list[Value] = []
    for item in items:
        value = resolve(item, scope)
        if isinstance(value, list) and isinstance(item, str):
            resolved.extend(value)
        else:
            resolved.append(value)
    return resolved

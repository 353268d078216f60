"""Selectors of step outputs: what a JSONPath picks from a response.

AWS speaks the Jayway dialect: a definite path gives the value itself, an indefinite one (`..`,
`[*]`, a filter, a slice) a list, even for one match. (AWS, "Working with JSONPath".)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Literal

from jsonpath import JSONPathEnvironment, JSONPathError
from jsonpath.path import JSONPath

from .convert import MISSING, CannotConvert, Missing, convert
from .types import OutputSpec, Value

__all__ = [
    "MISSING",
    "CannotConvert",
    "SelectorError",
    "compile_selector",
    "convert",
    "extract_outputs",
    "is_definite",
    "select",
]

MAX_SELECTOR: Final = 1024  # characters
MAX_MATCHES: Final = 10_000
MAX_DESCENTS: Final = 2  # `..` in one selector
MAX_VISITS: Final = 200_000  # nodes an indefinite selector may look at, about a second

_QUOTED: Final = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_BRACKETS: Final = rf"\[(?:{_QUOTED}|[^\]'\"])*\]"
# Jayway takes `.'key.with.dots'` and `.[0]`; the library takes neither.
_JAYWAY: Final = re.compile(rf"({_BRACKETS})|(?<!\.)\.({_QUOTED})|(?<!\.)\.(?=\[)")
_ORDER: Final = ("<", "<=", ">", ">=")
_LENGTH: Final = re.compile(r"\.length\(\)$")


class SelectorError(ValueError):
    """A selector that cannot be read, or that costs too much on this response."""


class _Environment(JSONPathEnvironment):
    """The library without functions: `match()` and `search()` run regular expressions."""

    def setup_function_extensions(self) -> None:
        """Register none."""

    def compare(self, left: object, operator: str, right: object) -> bool:
        """Only numbers and only texts have an order; to Python, true and false are numbers too."""
        if operator in _ORDER and not (_are_numbers(left, right) or _are_texts(left, right)):
            return False
        return super().compare(left, operator, right)

    def getitem(self, obj: Any, key: Any) -> Any:
        """A text has no parts; the library would slice it. RFC 9535, 2.3.4."""
        return [] if isinstance(obj, str) else super().getitem(obj, key)


def _are_numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _are_texts(*values: object) -> bool:
    return all(isinstance(value, str) for value in values)


_ENVIRONMENT: Final = _Environment()


@lru_cache(maxsize=1024)
def compile_selector(selector: str) -> JSONPath:
    """Read a selector; SelectorError says why it is none. A leading `$` may be left out."""
    if not 1 <= len(selector) <= MAX_SELECTOR:
        raise SelectorError(f"A selector has 1 to {MAX_SELECTOR} characters.")
    bare = re.sub(_QUOTED, "''", selector)
    if bare.count("..") > MAX_DESCENTS:
        raise SelectorError(f"{selector!r} descends (..) more than {MAX_DESCENTS} times.")
    if "=~" in bare:
        raise SelectorError(f"{selector!r} matches a regular expression; compare with == instead.")
    text = _JAYWAY.sub(_translate, _LENGTH.sub("", selector.strip()))
    try:
        path = _ENVIRONMENT.compile(text)
    except (JSONPathError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise SelectorError(f"{selector!r} is not a JSONPath: {reason}.") from error
    if not isinstance(path, JSONPath):
        raise SelectorError(f"{selector!r} joins several paths; a selector is one path.")
    return path


def _translate(match: re.Match[str]) -> str:
    brackets, quoted = match.groups()
    return brackets or (f"[{quoted}]" if quoted else "")


def is_definite(selector: str) -> bool:
    """Whether the selector names one place, so that it gives a value rather than a list."""
    return compile_selector(selector).singular_query()


def select(selector: str, response: Value) -> Value | Literal[Missing.MISSING]:
    """What the selector picks: a value, MISSING, or for an indefinite path a list (maybe empty).

    SelectorError if it cannot be read or would look at more than MAX_VISITS nodes.
    """
    path = compile_selector(selector)
    definite = path.singular_query()
    if not definite:
        _check_cost(selector, response)
    try:
        found = [match.obj for match in islice(path.finditer(response), MAX_MATCHES + 1)]
    except (JSONPathError, RecursionError) as error:
        raise SelectorError(f"{selector!r} cannot be applied to this response.") from error
    if len(found) > MAX_MATCHES:
        raise SelectorError(f"{selector!r} matches more than {MAX_MATCHES} values; narrow it.")
    value = (found[0] if found else MISSING) if definite else found
    if _LENGTH.search(selector.strip()):
        return len(value) if isinstance(value, list | dict | str) else MISSING
    return value


def _check_cost(selector: str, response: Value) -> None:
    """Count the nodes, each once per level above it if the selector descends twice."""
    twice = selector.count("..") >= MAX_DESCENTS
    visits = 0
    stack = [(response, 1)]
    while stack:
        node, depth = stack.pop()
        visits += depth if twice else 1
        if visits > MAX_VISITS:
            raise SelectorError(f"{selector!r} is too costly on so large a response; narrow it.")
        if isinstance(node, dict):
            stack.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list):
            stack.extend((child, depth + 1) for child in node)


def extract_outputs(specs: Iterable[OutputSpec], response: Value) -> dict[str, Value]:
    """The declared outputs of a response, converted; those that match nothing are left out.

    SelectorError or CannotConvert fail the step. (AWS, "Using action outputs as inputs".)
    """
    outputs: dict[str, Value] = {}
    for spec in specs:
        found = select(spec.selector, response)
        value = MISSING if found is MISSING else convert(found, spec.type)
        if value is not MISSING:
            outputs[spec.name] = value
    return outputs

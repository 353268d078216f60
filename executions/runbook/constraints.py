"""What a supplied parameter value must be: allowed values, pattern, counts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import regex

from .template import render
from .types import Parameter, Value

PATTERN_SECONDS: Final = 0.1
MAX_PATTERN: Final = 4096  # characters
_RESOURCE_PATTERNS: Final = {
    "AWS::EC2::Instance::Id": r"m?i-([a-z0-9]{8}|[a-z0-9]{17})",
    "AWS::S3::Bucket::Name": r"[0-9a-z][a-z0-9\-.]{3,63}",
    "AWS::IAM::Role::Arn": r"arn:(aws|aws-cn|aws-us-gov|aws-iso|aws-iso-b):iam::[0-9]{12}:role/.*",
}
PARAMETER_TYPES: Final = frozenset(
    {
        *("String", "StringList", "Boolean", "Integer", "StringMap", "MapList"),
        *_RESOURCE_PATTERNS,
        *(f"List<{name}>" for name in _RESOURCE_PATTERNS),
    }
)


class BadValue(ValueError):
    """A value that its parameter does not take; the text is for the person who gave it."""


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> regex.Pattern[str]:
    """Read a Java pattern (possessive quantifiers, \\p{…} too); ValueError says what is wrong."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern has more than {MAX_PATTERN} characters")
    try:
        return regex.compile(pattern, regex.VERSION1)
    except regex.error as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("the pattern nests too deep") from error


def check_constraints(parameter: Parameter, value: Value) -> None:
    """BadValue if a typed value breaks a constraint its parameter declares.

    AWS, "Data elements and parameters". An empty text passes the pattern of an AWS type, as the
    documentation's own example leaves a role ARN empty.
    """
    if isinstance(value, list):
        _check_count("item", len(value), parameter.min_items, parameter.max_items, parameter.name)
    for text in _texts(value):
        _check_allowed(parameter, text)
        _check_count(
            "character", len(text), parameter.min_chars, parameter.max_chars, parameter.name
        )
        kind = parameter.type.removeprefix("List<").removesuffix(">")
        if text and kind in _RESOURCE_PATTERNS:
            _check_pattern(parameter.name, text, _RESOURCE_PATTERNS[kind], f"is not an {kind}")
        if parameter.allowed_pattern:
            words = f"does not match {parameter.allowed_pattern}"
            _check_pattern(parameter.name, text, parameter.allowed_pattern, words)


def _texts(value: Value) -> Iterator[str]:
    """The texts that constraints apply to: the value, or each item of a list."""
    yield from (render(item) for item in value) if isinstance(value, list) else (render(value),)


def _check_allowed(parameter: Parameter, text: str) -> None:
    allowed = [render(item) for item in parameter.allowed_values]
    if allowed and text not in allowed:
        raise BadValue(
            f"Parameter {parameter.name} has value {text:.200} not found in [{', '.join(allowed)}]."
        )


def _check_count(what: str, count: int, least: int | None, most: int | None, name: str) -> None:
    if least is not None and count < least:
        raise BadValue(f"Parameter {name} has {count} {what}s; it takes at least {least}.")
    if most is not None and count > most:
        raise BadValue(f"Parameter {name} has {count} {what}s; it takes at most {most}.")


def _check_pattern(name: str, text: str, pattern: str, words: str) -> None:
    try:
        matched = compile_pattern(pattern).fullmatch(text, timeout=PATTERN_SECONDS)
    except ValueError as error:
        raise BadValue(
            f"Parameter {name} cannot be checked: its pattern is bad, {error}."
        ) from error
    except TimeoutError as error:
        raise BadValue(
            f"Parameter {name} could not be checked against its pattern in time; give a shorter "
            "value, or ask the owner of the document to simplify the pattern."
        ) from error
    if not matched:
        raise BadValue(f"Parameter {name} has value {text:.200}, which {words}.")

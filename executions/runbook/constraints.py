"""What a supplied parameter value must be: allowed values, pattern, counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from .patterns import compile_pattern
from .template import render
from .types import Parameter, Value

PATTERN_SECONDS: Final = 0.1  # of CPU time, for all items of one value together
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


def check_constraints(parameter: Parameter, value: Value) -> None:
    """BadValue if a typed value breaks a constraint its parameter declares.

    AWS, "Data elements and parameters". An empty text passes the pattern of an AWS type, as the
    documentation's own example leaves a role ARN empty.
    """
    if isinstance(value, list):
        _check_count("item", len(value), parameter.min_items, parameter.max_items, parameter.name)
    deadline = time.thread_time() + PATTERN_SECONDS
    for text in _texts(value):
        _check_allowed(parameter, text)
        _check_count(
            "character", len(text), parameter.min_chars, parameter.max_chars, parameter.name
        )
        kind = parameter.type.removeprefix("List<").removesuffix(">")
        resource = _RESOURCE_PATTERNS.get(kind) if text else None
        if resource and not _matches(parameter.name, text, resource, deadline):
            raise BadValue(f"Parameter {parameter.name} has value {text:.200}, not an {kind}.")
        pattern = parameter.allowed_pattern
        if pattern and not _matches(parameter.name, text, pattern, deadline):
            raise BadValue(
                f"Parameter {parameter.name} has value {text:.200}, which does not match {pattern}."
            )


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


def _matches(name: str, text: str, pattern: str, deadline: float) -> bool:
    left = max(deadline - time.thread_time(), 0.001)
    try:
        return compile_pattern(pattern).fullmatch(text, timeout=left) is not None
    except TimeoutError as error:
        raise BadValue(
            f"Parameter {name} could not be checked against its pattern in time; give a shorter "
            "value, or ask the owner of the document to simplify the pattern."
        ) from error
    except ValueError as error:
        raise BadValue(
            f"Parameter {name} cannot be checked: its pattern is bad, {error}."
        ) from error

"""awsJson1.1 from botocore's `ssm` model: requests are read and checked, answers are written.

Nothing of the API is typed again here: names, types, enums, patterns and lengths are the model's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import botocore.session
import regex
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.validate import ParamValidator

CONTENT_TYPE: Final = "application/x-amz-json-1.1"
MOST_BYTES: Final = 1024 * 1024
MOST_DEPTH: Final = 40
MOST_PROBLEMS: Final = 20
MOST_INTEGER: Final = 2**31 - 1  # the model has no long that we take
# No database keeps a NUL in a text, and half of a surrogate pair is no character.
NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
# The model allows 512 characters for a parameter's value; what the service takes is a sum over
# all values, and our verbs check that.
LENGTHS_LEFT_TO_VERBS: Final = frozenset({"AutomationParameterValue"})


class ApiError(Exception):
    """An answer that is an error: AWS's name for it, a message, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """A call that has the right form."""

    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def model() -> ServiceModel:
    """botocore's model of Systems Manager."""
    return botocore.session.get_session().get_service_model("ssm")


def find_operation(target: str) -> OperationModel:
    """The operation that `x-amz-target` names."""
    prefix, _, name = target.partition(".")
    if prefix != model().metadata["targetPrefix"] or name not in model().operation_names:
        raise ApiError("UnknownOperationException", f"There is no operation {target[:200]!r}.")
    return model().operation_model(name)


def parse(target: str, content_type: str, body: bytes) -> Request:
    """Read a request; ApiError with everything that is wrong with it."""
    operation = find_operation(target)
    if content_type.split(";", maxsplit=1)[0].strip().lower() != CONTENT_TYPE:
        raise ApiError("SerializationException", f"The content type must be {CONTENT_TYPE}.")
    params = _read_json(body)
    shape = operation.input_shape
    if shape is not None:
        problems = [line[:300] for line in islice(_problems(params, shape), MOST_PROBLEMS)]
        if problems:
            count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected"
            raise ApiError("ValidationException", f"{count}: {'; '.join(problems)}")
    return Request(operation.name, params)


def write(operation: str, answer: Mapping[str, Any]) -> bytes:
    """The answer's body, in the form of the operation's output shape."""
    shape = model().operation_model(operation).output_shape
    data = _serialize(answer, shape) if shape is not None else {}
    return json.dumps(data, separators=(",", ":")).encode()


def write_error(error: ApiError) -> bytes:
    """The body of an error."""
    return json.dumps({"__type": error.code, "message": error.message}).encode()


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8") or "{}"
        params = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError("SerializationException", f"The body is not JSON: {error}"[:300]) from error
    if not isinstance(params, dict):
        raise ApiError("SerializationException", "The body must be a JSON object.")
    _check_depth(params)
    return {name: value for name, value in params.items() if value is not None}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _check_depth(value: Any) -> None:
    """Deeper than any shape of the model, and than a recursive walk should follow."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise ApiError("SerializationException", f"The body nests deeper than {MOST_DEPTH}.")


def _problems(params: dict[str, Any], shape: Shape) -> Iterator[str]:
    """botocore's own checks (types, required members, minimums), and those that it leaves out."""
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        yield from str(report.generate_report()).splitlines()
        return
    yield from _limits(params, shape, "")


def _limits(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Maximums, patterns and enums: clients leave these to the service."""
    kind = shape.type_name
    if kind == "string":
        yield from _text(value, shape, path)
    elif kind == "integer":
        yield from _number(value, shape, path)
    elif kind in {"list", "map"} and (problem := _count(value, shape)):
        yield f"{path}: {problem}"
    else:
        for inner, inner_shape, inner_path in _inside(value, shape, path):
            yield from _limits(inner, inner_shape, inner_path)


def _inside(value: Any, shape: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """What a value holds, with shapes and paths."""
    if shape.type_name == "structure":
        for name, item in value.items():
            yield item, shape.members[name], f"{path}.{name}".lstrip(".")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield item, shape.member, f"{path}[{index}]"
    elif shape.type_name == "map":
        for key, item in value.items():
            yield key, shape.key, f"{path} (key)"
            yield item, shape.value, f"{path}.{key[:64]}"


def _count(value: Any, shape: Any) -> str:
    """What is wrong with how many there are, if anything is. botocore asks this of lists only."""
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
    if len(value) > most:
        return f"{len(value)} are more than {most}"
    return f"{len(value)} are fewer than {least}" if len(value) < least else ""


def _number(value: int, shape: Any, path: str) -> Iterator[str]:
    if isinstance(value, bool):
        yield f"{path}: true and false are no numbers"
    elif value > (most := shape.metadata.get("max", MOST_INTEGER)):
        yield f"{path}: a number is more than {most}"


def _text(value: str, shape: Any, path: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    pattern = shape.metadata.get("pattern")
    if NO_TEXT.search(value):
        yield f"{path}: holds NUL or half of a surrogate pair"
    elif most and len(value) > most and shape.name not in LENGTHS_LEFT_TO_VERBS:
        yield f"{path}: {len(value)} characters are more than {most}"
    elif (allowed := getattr(shape, "enum", None)) and value not in allowed:
        yield f"{path}: {value[:64]!r} is not one of {', '.join(allowed)}"
    elif pattern and not _compiled(pattern).fullmatch(value):
        yield f"{path}: {value[:64]!r} does not satisfy the pattern {pattern}"


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern of the model. They are AWS's, and no text takes them long: no time-out."""
    return regex.compile(pattern)


def _serialize(value: Any, shape: Any) -> Any:
    """A value in a shape's wire form; what the shape does not know is a defect of ours."""
    kind = shape.type_name
    if kind == "structure":
        return {
            name: _serialize(item, shape.members[name])
            for name, item in value.items()
            if item is not None
        }
    if kind == "list":
        return [_serialize(item, shape.member) for item in value]
    if kind == "map":
        return {str(key): _serialize(item, shape.value) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.timestamp()
    return value

"""What a script says it returned: text from a stranger, read as such."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from executions.sandbox.inside import MESSAGE_LENGTH, MOST_BYTES, MOST_ITEMS
from executions.sandbox.values import Ended, Json, Result

DEEPEST: Final = 64


class Unreadable(Exception):
    """The text says what is wrong with it."""


def read_report(raw: bytes, log: str) -> Result:
    """The result from a bootstrap's last line; a failed one where that cannot be used.

    raw: JSON with `payload` (JSON text) or `message`. The script can write there too, so nothing
    in it is believed.
    """
    try:
        report = _parse(raw)
        known = report if isinstance(report, dict) else {}
        if isinstance(text := known.get("payload"), str):
            return Result(Ended.RETURNED, read_payload(text), log=log)
    except Unreadable as problem:
        return Result(Ended.FAILED, message=f"The script's result is unusable: {problem}.", log=log)
    message = str(known.get("message", "The script failed without a message."))
    return Result(Ended.FAILED, message=clean(message[-MESSAGE_LENGTH:]), log=log)


def read_payload(text: str) -> Json:
    """The returned value, with a list cut to its first hundred items; Unreadable if it is none."""
    size = len(text.encode(errors="replace"))
    if size > MOST_BYTES:
        raise Unreadable(f"it has {size} bytes, more than {MOST_BYTES // 1000} kB")
    value = _checked(_parse(text), DEEPEST)
    return value[:MOST_ITEMS] if isinstance(value, list) else value


def clean(text: str) -> str:
    """Text that every database takes: no NUL, and no half of a surrogate pair."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _parse(text: str | bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise Unreadable(f"it is nested more than {DEEPEST} deep") from None
    except ValueError:  # also of bytes that are no UTF-8, and of numbers with 5000 digits
        raise Unreadable("it is no JSON") from None


def _refuse(word: str) -> Any:
    raise Unreadable(f"{word} is no JSON")


def _checked(value: Json, depth: int) -> Json:
    """The value if it is neither too deep nor infinite, its texts clean."""
    if depth < 0:
        raise Unreadable(f"it is nested more than {DEEPEST} deep")
    if isinstance(value, dict):
        return {clean(key): _checked(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_checked(item, depth - 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable("a number in it is too large")
    return clean(value) if isinstance(value, str) else value

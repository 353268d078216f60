"""Reads the entries of one map of a document, noting what is missing or of the wrong kind."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from itertools import islice
from typing import Final

from .findings import Findings
from .types import Path, Value, clip

_FLAGS: Final = {"true": True, "True": True, "false": False, "False": False}
_MOST_UNKNOWN: Final = 20  # finding what a key resembles is slow, and twenty tell enough
_DIGITS: Final = re.compile(r"[0-9]{1,9}")


def name_kind(value: Value) -> str:
    """What a value is, in words for a person."""
    if isinstance(value, bool):
        return "a boolean"
    kinds = {str: "text", int: "an integer", float: "a decimal", list: "a list", dict: "a map"}
    return kinds.get(type(value), "empty")


class Fields:
    """One map. A value that is none is noted once and read as an empty one."""

    def __init__(self, value: Value, path: Path, findings: Findings, what: str) -> None:
        self.path = path
        self.findings = findings
        self._what = what
        self._is_map = isinstance(value, dict)
        self._data: dict[str, Value] = value if self._is_map else {}
        if not self._is_map:
            findings.error(path, f"{what} must be a map, not {name_kind(value)}.")

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def keys(self) -> set[str]:
        """The keys as written."""
        return set(self._data)

    def get(self, key: str) -> Value:
        """The entry as written, or None."""
        return self._data.get(key)

    def text(self, key: str, *, required: bool = False) -> str | None:
        """A text entry; numbers and booleans are not text."""
        value = self._data.get(key)
        if isinstance(value, str):
            return value
        if value is not None:
            self._wrong(key, "text; quote it", value)
        elif required and self._is_map:
            self.findings.error(self.path, f"{self._what} needs {key}.")
        return None

    def flag(self, key: str) -> bool | None:
        """A boolean entry; published runbooks also write it as text."""
        value = self._data.get(key)
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str) and value in _FLAGS:
            return _FLAGS[value]
        self._wrong(key, "true or false", value)
        return None

    def whole(self, key: str, *, least: int = 0) -> int | None:
        """An integer entry of at least `least`; published runbooks also write it as text."""
        value = self._data.get(key)
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        self._wrong(key, f"an integer of at least {least}", value)
        return None

    def entries(self, key: str) -> dict[str, Value]:
        """A map entry; empty if not written."""
        value = self._data.get(key)
        if isinstance(value, dict):
            return value
        if value is not None:
            self._wrong(key, "a map", value)
        return {}

    def items(self, key: str) -> list[Value]:
        """A list entry; empty if not written."""
        value = self._data.get(key)
        if isinstance(value, list):
            return value
        if value is not None:
            self._wrong(key, "a list", value)
        return []

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Note every key that is not one of the known, with the one it resembles."""
        for key in islice((key for key in self._data if key not in known), _MOST_UNKNOWN):
            close = get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else "remove it."
            self.findings.error(
                (*self.path, key), f"{clip(key)} is not a key of {self._what.lower()}; {hint}"
            )

    def _wrong(self, key: str, wanted: str, value: Value) -> None:
        shown = f"{value!r:.60}" if isinstance(value, str | int | float) else name_kind(value)
        self.findings.error((*self.path, key), f"{key} must be {wanted}, not {shown}.")

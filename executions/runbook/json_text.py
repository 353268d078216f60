"""JSON as RFC 8259 has it, with the place of every value; duplicate keys and NaN are refused."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Final

from .tree import Builder, Position, Tree, refuse
from .types import Value

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD: Final = re.compile(r"[-+A-Za-z0-9_.]+")
# Legal in JSON strings but not in a document, or invisible to its reader.
_UNSEEN: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_WORDS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}
_MAX_DIGITS: Final = 18


def read_json(text: str) -> Tree:
    """Parse one JSON document; DocumentRefused on syntax, limits and duplicate keys."""
    reader = _Reader(text)
    reader.read_value()
    if reader.peek():
        reader.fail("Nothing may follow the document's closing bracket")
    return reader.builder.finish()


def write_json(data: Mapping[str, Value]) -> str:
    """JSON text, indented, with the order of the data."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    return _UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


class _Reader:
    """Recursive descent; the builder's depth limit keeps it far from the interpreter's."""

    def __init__(self, text: str) -> None:
        self.builder = Builder()
        self._text = text
        self._offset = 0
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def peek(self) -> str:
        """The next character that is not space; empty at the end."""
        match = _SPACE.match(self._text, self._offset)
        self._offset = match.end() if match else self._offset
        return self._text[self._offset : self._offset + 1]

    def fail(self, message: str) -> None:
        """Refuse the text at the current place."""
        found = f"found {self.peek()!r}" if self.peek() else "the text ends here"
        refuse(f"This is not JSON: {message}; {found}.", self._at())

    def read_value(self) -> None:
        """Read one value of any kind into the builder."""
        character = self.peek()
        if character == "{":
            self._read_object()
        elif character == "[":
            self._read_array()
        elif character == '"':
            at = self._at()
            self.builder.scalar(self._read_string(), at)
        else:
            self._read_word()

    def _read_object(self) -> None:
        self.builder.open({}, self._at())
        self._offset += 1
        while self.peek() != "}":
            at = self._at()
            if self.peek() != '"':
                self.fail('A key in double quotes or "}" must come here')
            self.builder.key(self._read_string(), at)
            self._skip(":")
            self.read_value()
            if not self._has_more("}"):
                break
        self._skip("}")
        self.builder.close()

    def _read_array(self) -> None:
        self.builder.open([], self._at())
        self._offset += 1
        while self.peek() != "]":
            self.read_value()
            if not self._has_more("]"):
                break
        self._skip("]")
        self.builder.close()

    def _has_more(self, end: str) -> bool:
        if self.peek() != ",":
            return False
        self._offset += 1
        if self.peek() == end:
            self.fail("A comma must be followed by another entry")
        return True

    def _skip(self, character: str) -> None:
        if self.peek() != character:
            self.fail(f'A "{character}" must come here')
        self._offset += 1

    def _read_string(self) -> str:
        try:
            text, self._offset = scanstring(self._text, self._offset + 1, True)
        except json.JSONDecodeError as error:
            self._offset = min(error.pos, len(self._text))
            refuse(f"This is not JSON: {error.msg}.", self._at())
        return str(text)

    def _read_word(self) -> None:
        at = self._at()
        match = _WORD.match(self._text, self._offset)
        word = match.group() if match else ""
        if word in _WORDS:
            self.builder.scalar(_WORDS[word], at)
        elif number := _NUMBER.fullmatch(word):
            self.builder.scalar(self._read_number(number, at), at)
        else:
            self.fail("A value (text in double quotes, number, true, false, null) must come here")
        self._offset += len(word)

    def _read_number(self, number: re.Match[str], at: Position) -> int | float:
        whole, fraction, exponent = number.groups()
        if fraction is None and exponent is None:
            if len(whole.lstrip("-")) > _MAX_DIGITS:
                self.builder.complain(f"The number has over {_MAX_DIGITS} digits; quote it.", at)
                return 0
            return int(whole)
        value = float(number.group())
        if not math.isfinite(value):
            self.builder.complain("The number is too large; quote it if you mean the text.", at)
        return value

    def _at(self) -> Position:
        line = bisect_right(self._lines, self._offset)
        return line, self._offset - self._lines[line - 1] + 1

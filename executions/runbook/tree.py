"""Builds plain data from parse events: within limits, with positions, without recursion."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from .types import MAX_PROBLEMS, DocumentRefused, Path, Problem, Value, clip, show_path

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 40
MAX_NODES: Final = 20_000
MAX_ALIASES: Final = 100
MAX_CHARACTERS: Final = 4 * MAX_BYTES  # of all scalars, once aliases are written out

Position: TypeAlias = tuple[int, int]  # line and column, both from 1

# Text PostgreSQL cannot store (NUL) or UTF-8 cannot write (lone surrogates).
UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def refuse(message: str, at: Position = (1, 1)) -> NoReturn:
    """Give up on the text at once."""
    raise DocumentRefused([Problem(*at, "", message)])


@dataclass(frozen=True, slots=True)
class Tree:
    """A document as plain data, and where each path stands in the text."""

    data: Value
    positions: dict[Path, Position]


@dataclass(slots=True)
class _Frame:
    """A container being filled; `key` is the entry whose value comes next, if it is a map."""

    container: Value
    path: Path
    anchor: str | None
    before: tuple[int, int]
    key: str | None = None
    key_at: Position = (1, 1)


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A finished value an alias may repeat, and what it weighs."""

    value: Value
    nodes: int
    characters: int


class Builder:
    """Takes open, scalar, alias and close; a scalar where a map awaits a key is that key.

    An alias shares the value it names (nothing mutates a document) but is weighed in full, so a
    small text cannot stand for a large document.
    """

    def __init__(self) -> None:
        self._stack: list[_Frame] = []
        self._positions: dict[Path, Position] = {}
        self._problems: list[Problem] = []
        self._anchors: dict[str, _Anchored] = {}
        self._aliases = self._nodes = self._characters = 0
        self._documents = 0
        self._root: Value = None

    @property
    def awaits_key(self) -> bool:
        """Whether the next scalar is a map's key."""
        if not self._stack:
            return False
        frame = self._stack[-1]
        return frame.key is None and isinstance(frame.container, dict)

    def start_document(self, at: Position) -> None:
        """Begin the document; a text holds one."""
        self._documents += 1
        if self._documents > 1:
            refuse("The text holds a second document (---); a runbook is a single one.", at)

    def open(self, container: Value, at: Position, anchor: str | None = None) -> None:
        """Begin a map or a list (an empty dict or list)."""
        if len(self._stack) >= MAX_DEPTH:
            refuse(f"The document nests deeper than {MAX_DEPTH} levels; flatten it.", at)
        before = self._nodes, self._characters
        path = self._put(container, at)
        self._stack.append(_Frame(container, path, anchor, before))

    def close(self) -> None:
        """End the map or list opened last."""
        frame = self._stack.pop()
        if frame.anchor:
            nodes, characters = frame.before
            self._anchors[frame.anchor] = _Anchored(
                frame.container, self._nodes - nodes, self._characters - characters
            )

    def key(self, text: str, at: Position) -> None:
        """Name the entry that the next value belongs to."""
        self._weigh(1, len(text), at)
        frame = self._stack[-1]
        frame.key, frame.key_at = text, at
        self._check_text(text, at)
        if text in frame.container:
            self.complain(f"The key {clip(text)!r} is written twice here; keep one of them.", at)

    def scalar(self, value: Value, at: Position, anchor: str | None = None) -> None:
        """Add text, a number, a boolean or null."""
        size = 0
        if isinstance(value, str):
            size = len(value)
            self._check_text(value, at)
        self._characters += size
        self._put(value, at)
        if anchor:
            self._anchors[anchor] = _Anchored(value, 1, size)

    def alias(self, name: str, at: Position) -> None:
        """Repeat the value of an anchor that is complete."""
        anchored = self._anchors.get(name)
        if anchored is None:
            refuse(f"The alias *{clip(name)} names no anchor that is complete before it.", at)
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            refuse(f"The document has more than {MAX_ALIASES} aliases; write the values out.", at)
        self._weigh(anchored.nodes - 1, anchored.characters, at)
        self._put(anchored.value, at)

    def complain(self, message: str, at: Position) -> None:
        """Note a problem and go on, so that a person sees all of them at once."""
        self._problems.append(Problem(*at, show_path(self._path_of_next()), message))
        if len(self._problems) >= MAX_PROBLEMS:
            raise DocumentRefused(self._problems)

    def finish(self) -> Tree:
        """The finished tree; DocumentRefused if anything was wrong."""
        if self._problems:
            raise DocumentRefused(self._problems)
        return Tree(self._root, self._positions)

    def _put(self, value: Value, at: Position) -> Path:
        self._weigh(1, 0, at)
        if not self._stack:
            self._root = value
            self._positions[()] = at
            return ()
        frame = self._stack[-1]
        if frame.key is None:
            path = (*frame.path, len(frame.container))
            frame.container.append(value)
        else:
            path = (*frame.path, frame.key)
            frame.container[frame.key] = value
            # A block value starts on the line after its key; people look for the key.
            at = at if at[0] == frame.key_at[0] else frame.key_at
            frame.key = None
        self._positions[path] = at
        return path

    def _path_of_next(self) -> Path:
        if not self._stack:
            return ()
        frame = self._stack[-1]
        if isinstance(frame.container, dict):
            return frame.path if frame.key is None else (*frame.path, frame.key)
        return (*frame.path, len(frame.container))

    def _weigh(self, nodes: int, characters: int, at: Position) -> None:
        self._nodes += nodes
        self._characters += characters
        if self._nodes > MAX_NODES or self._characters > MAX_CHARACTERS:
            refuse("The document holds too many values for a runbook; make it smaller.", at)

    def _check_text(self, text: str, at: Position) -> None:
        if UNSTORABLE.search(text):
            self.complain("Text holds a NUL or half a surrogate pair, which cannot be kept.", at)

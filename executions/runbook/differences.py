"""Two texts side by side: which lines changed, and which words in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final, Literal, TypeAlias

CONTEXT: Final = 3  # lines that stay the same, shown around a change
LONGEST: Final = 400  # characters of a line whose words are compared
MOST_COMPARED: Final = 300  # lines whose words are compared
SIMILAR: Final = 0.4  # below it, marking words tells less than the whole line
WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")

Kind: TypeAlias = Literal["same", "changed", "added", "removed", "skipped"]
Opcode: TypeAlias = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Side:
    """A line of one text: its number from 1, and its parts, each with whether it changed."""

    number: int
    parts: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What stands beside each other; `skipped` counts lines that are the same and left out."""

    kind: Kind
    left: Side | None = None
    right: Side | None = None
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """The rows to show, and how many lines were added and removed."""

    rows: tuple[Row, ...]
    added: int
    removed: int


def compare(old: str, new: str) -> Difference:
    """The difference between two texts, line by line."""
    left, right = old.splitlines(), new.splitlines()
    opcodes = _find_opcodes(left, right)
    rows = tuple(_rows(left, right, opcodes))
    return Difference(
        rows,
        added=sum(row.kind in {"changed", "added"} for row in rows),
        removed=sum(row.kind in {"changed", "removed"} for row in rows),
    )


def _find_opcodes(left: Sequence[str], right: Sequence[str]) -> list[Opcode]:
    """As difflib's, but lines that both begin or end with cost nothing."""
    least = min(len(left), len(right))
    head = next((at for at in range(least) if left[at] != right[at]), least)
    rest = least - head
    tail = next((at for at in range(rest) if left[-1 - at] != right[-1 - at]), rest)
    ends = len(left) - tail, len(right) - tail
    middle = SequenceMatcher(None, left[head : ends[0]], right[head : ends[1]]).get_opcodes()
    moved = [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in middle]
    start: list[Opcode] = [("equal", 0, head, 0, head)] if head else []
    end: list[Opcode] = [("equal", ends[0], len(left), ends[1], len(right))] if tail else []
    return [*start, *moved, *end]


def _rows(left: Sequence[str], right: Sequence[str], opcodes: Sequence[Opcode]) -> Iterator[Row]:
    compared = 0
    for index, (tag, a, b, c, d) in enumerate(opcodes):
        if tag == "equal":
            before = CONTEXT if index else 0
            after = CONTEXT if index + 1 < len(opcodes) else 0
            yield from _unchanged(left[a:b], (a, c), (before, after))
            continue
        for one, other in zip_longest(range(a, b), range(c, d)):
            if one is None:
                yield Row("added", right=Side(other + 1, ((right[other], False),)))
            elif other is None:
                yield Row("removed", left=Side(one + 1, ((left[one], False),)))
            else:
                compared += 1
                parts = _compare_words(left[one], right[other], compared)
                yield Row("changed", Side(one + 1, parts[0]), Side(other + 1, parts[1]))


def _unchanged(lines: Sequence[str], at: tuple[int, int], keep: tuple[int, int]) -> Iterator[Row]:
    """Lines near a change, and one row for all between."""
    first, last = keep[0], max(len(lines) - keep[1], 0)
    if last - first <= 1:  # a row that says "1 line" takes as much room as the line
        first = last = 0
    for index, line in enumerate(lines):
        if first < last and index == first:
            yield Row("skipped", skipped=last - first)
        if not first <= index < last:
            parts = ((line, False),)
            yield Row("same", Side(at[0] + index + 1, parts), Side(at[1] + index + 1, parts))


Parts: TypeAlias = tuple[tuple[str, bool], ...]


def _compare_words(old: str, new: str, compared: int) -> tuple[Parts, Parts]:
    """Both lines in parts; not for long lines, too many lines, or lines with little in common."""
    plain: tuple[Parts, Parts] = ((old, False),), ((new, False),)
    if max(len(old), len(new)) > LONGEST or compared > MOST_COMPARED:
        return plain
    left, right = WORD.findall(old), WORD.findall(new)
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.quick_ratio() < SIMILAR or matcher.ratio() < SIMILAR:
        return plain
    codes = matcher.get_opcodes()
    return (
        tuple(("".join(left[a:b]), tag != "equal") for tag, a, b, _, _ in codes if b > a),
        tuple(("".join(right[c:d]), tag != "equal") for tag, _, _, c, d in codes if d > c),
    )

"""Two texts side by side."""

from __future__ import annotations

from difflib import ndiff, restore

from hypothesis import given
from hypothesis import strategies as st

from executions.runbook.differences import Row, Side, compare

LINES = st.lists(st.sampled_from(["a", "b: 1", "b: 2", "", "  c"]), max_size=30).map("\n".join)


def text_of(side: Side | None) -> str:
    return "".join(part for part, _ in side.parts) if side else ""


def told(rows: tuple[Row, ...]) -> list[tuple[str, str, str]]:
    return [(row.kind, text_of(row.left), text_of(row.right)) for row in rows]


def test_same_text_is_one_row() -> None:
    found = compare("a\nb\n", "a\nb\n")
    assert [(row.kind, row.skipped) for row in found.rows] == [("skipped", 2)]
    assert (found.added, found.removed) == (0, 0)


def test_changed_words_are_marked() -> None:
    (row,) = compare("Duration: PT1S", "Duration: PT2S").rows
    assert row.left
    assert row.right
    assert row.left.parts == (("Duration: ", False), ("PT1S", True))
    assert row.right.parts == (("Duration: ", False), ("PT2S", True))


def test_lines_with_little_in_common_are_not_cut_up() -> None:
    (row,) = compare("completely", "{other: [1, 2]}").rows
    assert row.left
    assert row.left.parts == (("completely", False),)


def test_added_and_removed() -> None:
    assert told(compare("a\nb", "a\nb\nc").rows)[-1] == ("added", "", "c")
    assert told(compare("a\nb\nc", "b\nc").rows)[0] == ("removed", "a", "")


def test_far_lines_are_left_out_and_counted() -> None:
    old = [str(n) for n in range(40)]
    new = [*old[:20], "new", *old[20:]]
    found = compare("\n".join(old), "\n".join(new))
    kinds = [row.kind for row in found.rows]
    assert kinds == ["skipped", *["same"] * 3, "added", *["same"] * 3, "skipped"]
    assert [row.skipped for row in found.rows if row.skipped] == [17, 17]
    assert found.added == 1


@given(LINES, LINES)
def test_nothing_is_lost(old: str, new: str) -> None:
    found = compare(old, new)
    left = [(row.left.number, text_of(row.left)) for row in found.rows if row.left]
    right = [(row.right.number, text_of(row.right)) for row in found.rows if row.right]
    for side, text in ((left, old), (right, new)):
        lines = text.splitlines()
        assert [number for number, _ in side] == sorted({number for number, _ in side})
        assert all(lines[number - 1] == line for number, line in side)
    skipped = sum(row.skipped for row in found.rows)
    assert len(left) + skipped == len(old.splitlines())
    assert len(right) + skipped == len(new.splitlines())


@given(LINES, LINES)
def test_no_more_changes_than_need_be(old: str, new: str) -> None:
    found = compare(old, new)
    delta = list(ndiff(old.splitlines(), new.splitlines()))
    assert list(restore(delta, 2)) == new.splitlines()
    assert (found.added, found.removed) <= (len(new.splitlines()), len(old.splitlines()))
    assert (found.added + found.removed == 0) == (old.splitlines() == new.splitlines())

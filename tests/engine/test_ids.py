"""Keys of runs and steps are UUIDs that grow with time."""

from __future__ import annotations

import time
from uuid import RFC_4122, UUID

import pytest

from executions.models.ids import make_id


def test_they_are_of_version_7_and_no_two_are_alike() -> None:
    made = {make_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}


def test_a_later_one_is_greater(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [1_700_000_000_000_000_000 + 1_000_000 * n for n in range(100)]
    following = iter(moments)
    monkeypatch.setattr(time, "time_ns", lambda: next(following))
    made = [make_id() for _ in moments]
    assert made == sorted(made)
    assert [_milliseconds(one) for one in made] == [moment // 1_000_000 for moment in moments]


def _milliseconds(one: UUID) -> int:
    return one.int >> 80

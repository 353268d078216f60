"""Kinds of stories: which steps the runbooks have, and what happens to them.

One kind has everything. The others have less, and so come to places where the first seldom comes.
All are told by one machine, and judged by the same promises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from hypothesis.stateful import precondition

from tests.model.documents import ALL, Shape

Rule = TypeVar("Rule", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of stories. No rules: all of them."""

    shape: Shape
    rules: frozenset[str] = frozenset()
    most_runs: int = 3
    running: int = 100  # executions of an account that may run at once,
    blocked: int = 400  # and those that may wait besides

    def tells(self, rule: str) -> bool:
        """Whether the rule of that name belongs to it."""
        return not self.rules or rule in self.rules


def when(condition: Callable[[Any], object] = lambda story: True) -> Callable[[Rule], Rule]:
    """What may happen in stories of some kinds, and then only if it can."""

    def limit(method: Rule) -> Rule:
        name = method.__name__
        may = precondition(lambda story: story.kind.tells(name) and bool(condition(story)))
        limited: Rule = may(method)
        return limited

    return limit


def _rules(*more: str) -> frozenset[str]:
    return frozenset({"start", "work", "wait", "wait_for_work", "race", *more})


LOSSES: Final = ("die", "pause", "come_back", "lease_ends")
KINDS: Final = {
    "anything": Kind(Shape(ALL, (1, 1, 2, 2, 3, 4, 5, 8))),
    "approvals": Kind(
        Shape(("approve", "approve", "approve", "read"), (1, 1, 2)),
        _rules("decide", "agree", "lose_rights", "nudge")
        - {"wait_for_work"},  # until nobody may decide any more
        most_runs=2,
    ),
    "calls": Kind(
        Shape(("unproven", "unproven", "token", "token", "idempotent"), (1, 1, 2)),
        _rules("trouble", "settle", *LOSSES),
        most_runs=2,
    ),
    "stops": Kind(
        Shape(("unproven", "token", "idempotent", "sleep", "sleep", "child"), (1, 2, 3)),
        _rules("stop", "trouble", *LOSSES),
    ),
    "waits": Kind(Shape(("sleep", "child"), (1, 1, 2)), _rules("nudge", "ring", *LOSSES)),
    "loops": Kind(
        Shape(("loop", "loop", "loop", "update"), (1, 2, 3)),
        _rules("trouble", "settle", "stop", "die", "lease_ends"),
    ),
    "again": Kind(
        Shape(
            ("token", "token", "sleep", "approve", "approve", "loop"),
            (3, 3, 4),
            first=(("look",), ("tell", "choose")),
        ),
        frozenset({"run_again", "carry_on", "race", "settle", "die", "lease_ends"}),
    ),
    "queue": Kind(
        Shape(("read", "sleep", "approve", "idempotent"), (1, 1, 2)),
        _rules("start_again", "decide", "stop", "ring", "die", "lease_ends"),
        most_runs=8,
        running=2,
        blocked=0,
    ),
}

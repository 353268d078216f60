"""Parents and children at the same moment, on real databases."""

from __future__ import annotations

import pytest

from executions import jobs, lifecycle
from executions.models import Execution
from executions.states import TERMINAL
from tests.engine.runs import Runs, fresh, make_version
from tests.engine.steps import execute, sleep
from tests.races.together import at_once

pytestmark = [pytest.mark.race]
PAIRS, WORKERS = 12, 4


def start_pairs(runs: Runs) -> list[Execution]:
    """Runs whose children have begun and sleep for a minute."""
    name = make_version(sleep("s", "PT1M")).document.name
    parents = [runs.start(execute("a", name)) for _ in range(PAIRS)]
    runs.work()
    assert Execution.objects.filter(parent__in=parents, status="InProgress").count() == PAIRS
    return parents


def test_every_child_is_started_once_by_many_workers(runs: Runs) -> None:
    name = make_version(sleep("s", "PT0S")).document.name
    parents = [runs.start(execute("a", name)) for _ in range(PAIRS)]
    at_once([jobs.drain] * WORKERS)
    runs.drain()
    assert {fresh(parent).status for parent in parents} == {"Success"}
    assert Execution.objects.filter(parent__in=parents).count() == PAIRS


def test_parents_are_cancelled_while_their_children_end(runs: Runs) -> None:
    parents = start_pairs(runs)
    runs.hand.move(minutes=1)  # each child is due, and its end will wake its parent

    def cancel_all() -> None:
        for parent in parents:
            lifecycle.halt(parent.pk)

    at_once([cancel_all, *[jobs.drain] * WORKERS])
    runs.drain()
    assert {fresh(parent).status for parent in parents} <= {"Cancelled", "Success"}
    assert {row.status for row in Execution.objects.all()} <= TERMINAL


def test_no_end_of_a_child_is_missed(runs: Runs) -> None:
    parents = start_pairs(runs)
    runs.hand.move(minutes=1)  # parent and child are due at once
    at_once([jobs.drain] * WORKERS)
    runs.work()  # what was woken while nobody looked any more; no time passes
    assert {fresh(parent).status for parent in parents} == {"Success"}

"""Whether the steps of an execution followed each other as the document says; see history.py."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from executions.models import StepExecution
from executions.runbook import flow
from executions.runbook.types import Runbook
from executions.states import Status

if TYPE_CHECKING:
    from executions.history import Story


def problems(story: Story) -> Iterator[str]:
    """Each step followed from the one before it, as the document says."""
    execution = story.execution
    if execution.mode != "Auto" or story.was_given_up:
        return
    runbook = story.runbook
    places: dict[tuple[object, int | None], list[StepExecution]] = {}
    for step in story.until_cancelled:
        places.setdefault((step.parent_id, step.iteration), []).append(step)
    for (parent, _), rows in places.items():
        if parent is None and rows[0].name != flow.first_step(runbook).name:
            yield f"it began with {rows[0].name}"
        for before, after in pairwise(rows):
            if before.status == Status.EXITED or _begins_again(runbook, after):
                continue
            if _next(runbook, before) != after.name:
                yield f"{after.name} came after {before.name}, which was {before.status}"
    yield from _clean_up(story, runbook)


def _next(runbook: Runbook, row: StepExecution) -> str | None:
    step = runbook.find_step(row.name)
    if step is None:
        return None
    return flow.next_step(runbook, step, cast(flow.Status, row.status), row.chosen or None).step


def _begins_again(runbook: Runbook, row: StepExecution) -> bool:
    """Whether it is the first step of a loop that had more than one attempt."""
    loop = row.parent
    step = runbook.find_step(loop.name) if loop and loop.attempt > 1 else None
    return step is not None and step.steps[0].name == row.name


def _clean_up(story: Story, runbook: Runbook) -> Iterator[str]:
    """After a cancelled step comes its onCancel step, and then what a success of that names."""
    rows = story.steps[len(story.until_cancelled) - 1 :]
    if not story.execution.stop_requested or not rows:
        return
    for before, after in pairwise(rows):
        step = runbook.find_step(before.name)
        expected = None
        if step and before.status == Status.CANCELLED:
            expected = flow.cancel_step(runbook, step).step
        elif step and before.status == Status.SUCCESS:
            expected = step.next_step
        if step is None or step.steps or step.loop:
            return
        if expected != after.name:
            yield f"{after.name} came after {before.name}, although it was to stop"

"""Passes of an aws:loop: its row stays open while the steps inside it run, and is looked at
between two passes.

While a pass runs, `current_step` of the execution is a step inside the loop; the loop itself is
named there when the pass is over. So rows alone say where a run stands, as everywhere.
"""

from __future__ import annotations

from typing import Any

from executions import closing, deadlines
from executions.actions.base import Pass
from executions.models import StepExecution
from executions.runbook.template import render
from executions.runbook.types import Step
from executions.states import NEVER, Status
from executions.turn import Phase, Turn

VERBS = {Status.FAILED: "failed", Status.TIMED_OUT: "timed out"}


def is_between_steps(turn: Turn) -> bool:
    """Whether no step runs: there is none open, or a loop that is in a pass."""
    row = turn.open_row
    if row is None:
        return True
    return row.is_loop and row.phase == Phase.WAIT and turn.execution.current_step != row.name


def overdue(turn: Turn) -> StepExecution | None:
    """The loop whose time is over, unless a step inside it waits for what became of its call."""
    rows = turn.open_rows
    if not rows or deadlines.asks_first(rows[0]):
        return None
    late = (row for row in rows if row.is_loop and row.phase == Phase.WAIT)
    return next((row for row in late if deadlines.is_over(row)), None)


def is_outside(turn: Turn, loop: StepExecution, name: str) -> bool:
    """Whether the step of that name is not inside the loop."""
    step = turn.runbook.find_step(name)
    return step is None or step.loop != loop.name


def begin_pass(turn: Turn, row: StepExecution, outcome: Pass) -> None:
    """Go on with the first step inside."""
    row.state, row.outputs = dict(outcome.state), dict(outcome.outputs)
    row.phase, row.due_at, row.status = Phase.WAIT, NEVER, Status.IN_PROGRESS
    turn.set(current_step=turn.definition(row).steps[0].name)
    turn.event("step:pass", row, iteration=outcome.iteration, most=outcome.most)


def leave(turn: Turn, loop: StepExecution, row: StepExecution, step: Step) -> None:
    """End the loop, because a step inside it led out of it or ended the run.

    If that step failed and aborts the run, so did the loop.
    """
    if turn.execution.stop_requested or row.status == Status.CANCELLED:
        loop.status, loop.failure_message = Status.CANCELLED, "Cancelled."
    elif row.status in VERBS and step.on_failure == "Abort":
        verb = VERBS[Status(row.status)]
        loop.status = row.status
        loop.failure_message = (
            f"Step {row.name} of pass {row.iteration} {verb}: {row.failure_message}"
        )
        loop.failure_stage, loop.failure_type = row.failure_stage, row.failure_type
    else:
        exit_by(turn, loop, row)
        return
    close(turn, loop)


def exit_by(turn: Turn, loop: StepExecution, row: StepExecution) -> None:
    """End the loop as left by a step inside it. AWS, "aws:loop": Exited, not Success."""
    loop.status = Status.EXITED
    loop.failure_message = f"It was left by {row.name} in pass {row.iteration}."
    close(turn, loop)


def close(turn: Turn, loop: StepExecution) -> None:
    """End a loop whose status is set, and tell of it."""
    closing.close(turn, loop)
    kind = {Status.TIMED_OUT: "timed_out"}.get(Status(loop.status), loop.status.lower())
    turn.event(f"step:{kind}", loop, message=loop.failure_message)


def place(loop: StepExecution) -> dict[str, Any]:
    """Where a step inside the loop stands: the columns that say so."""
    value = loop.outputs.get("CurrentIteratorValue")
    return {
        "parent": loop,
        "iteration": loop.outputs.get("CurrentIteration"),
        "iterator_value": render(value),
    }

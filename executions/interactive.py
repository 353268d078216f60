"""Interactive executions: between two steps they wait until a person starts one."""

from __future__ import annotations

from uuid import UUID

from executions import ends
from executions.models import Signal
from executions.runbook.types import Runbook
from executions.states import NEVER, Status
from executions.turn import Turn


def next_name(turn: Turn) -> str | None:
    """The step that somebody asked for; None if the turn is over, waiting for that.

    AWS, "Run an automation step by step": Waiting at the start and between steps, and after
    the last one until it is completed or cancelled. The time of a loop runs meanwhile.
    """
    loop = turn.open_row
    while (signal := _take(turn, None, "StartStep", "Resume")) is not None:
        name = str(signal.payload["value"])
        if is_within(turn.runbook, name, loop.name if loop else None):
            return name
    if turn.execution.status != Status.WAITING:
        turn.event("execution:waiting")
    turn.set(status=Status.WAITING)
    turn.let_go((loop and loop.deadline_at) or NEVER)
    return None


def is_within(runbook: Runbook, name: str, loop: str | None) -> bool:
    """Whether the step of that name is inside the loop; without a loop, whether it is in none."""
    step = runbook.find_step(name)
    return step is not None and step.loop == loop


def stop_step(turn: Turn) -> bool:
    """Apply a StopStep for an open step, if there is one; what is inside a loop ends with it."""
    for row in turn.open_rows:
        signal = _take(turn, row.id, "StopStep")
        if signal is not None:
            ends.interrupt_inside(turn, row, by=signal.by)
            ends.interrupt(turn, row, by=signal.by)
            turn.set(current_step="")
            turn.flush()
            return True
    return False


def _take(turn: Turn, step: UUID | None, *kinds: str) -> Signal | None:
    """Consume the first signal of these kinds for the row, in the commit that applies it."""
    fitting = (known for known in turn.signals if known.kind in kinds and known.step_id == step)
    signal = next(fitting, None)
    if signal is not None:
        turn.consume(signal)
    return signal

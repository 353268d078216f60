"""Interactive executions: between two steps they wait until a person starts one."""

from __future__ import annotations

from executions import ends
from executions.models import Signal, StepExecution
from executions.states import NEVER, Status
from executions.turn import Turn


def next_name(turn: Turn) -> str | None:
    """The step that somebody asked for; None if the turn is over, waiting for that.

    AWS, "Run an automation step by step": Waiting at the start and between steps, and after
    the last one until it is completed or cancelled.
    """
    signal = _take(turn, None, "StartStep", "Resume")
    if signal is not None:
        return str(signal.payload["value"])
    if turn.execution.status != Status.WAITING:
        turn.event("execution:waiting")
    turn.set(status=Status.WAITING)
    turn.let_go(NEVER)
    return None


def stop_step(turn: Turn, row: StepExecution) -> bool:
    """Apply a StopStep for the open step, if there is one."""
    signal = _take(turn, row, "StopStep")
    if signal is None:
        return False
    ends.interrupt(turn, row, by=signal.by)
    turn.set(current_step="")
    turn.flush()
    return True


def _take(turn: Turn, row: StepExecution | None, *kinds: str) -> Signal | None:
    """Consume the first signal of these kinds for the row, in the commit that applies it."""
    step = row.id if row else None
    fitting = (known for known in turn.signals if known.kind in kinds and known.step_id == step)
    signal = next(fitting, None)
    if signal is not None:
        turn.consume(signal)
    return signal

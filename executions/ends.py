"""How steps and runs end: leave, finish, cancel, give up, and settle what nobody knew."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from executions import clock
from executions.actions.base import Outcome, StepFailed
from executions.models import StepExecution
from executions.runbook import flow
from executions.states import NEVER, Status
from executions.turn import Again, Phase, Turn


def leave(turn: Turn, row: StepExecution) -> None:
    """The step has ended: on to the next one, or to the end of the run."""
    close(turn, row)
    step = turn.runbook.find_step(row.name)
    following = ""
    if step is not None:
        move = flow.next_step(turn.runbook, step, cast(flow.Status, row.status), row.chosen or None)
        following = move.step or "" if move.kind == "step" else ""
        if turn.execution.stop_requested:  # an onCancel step leads only where it says itself
            following = step.next_step or "" if row.status == Status.SUCCESS else ""
    turn.set(current_step=following)
    if not following:
        finish(turn)


def close(turn: Turn, row: StepExecution) -> None:
    """Let the next commit end the row."""
    row.phase, row.due_at, row.ended_at = Phase.ENDED, NEVER, clock.now()
    turn.touch(row)


def finish(turn: Turn) -> None:
    """The run is over; unless a stop request came first, which then decides."""
    execution, pending = turn.execution, turn.change
    turn.change = replace(
        pending,
        columns=dict(pending.columns),
        steps=list(pending.steps),
        events=list(pending.events),
    )
    status = flow.final_status(
        turn.runbook,
        [(row.name, row.status) for row in turn.rows],
        cancelled=bool(execution.stop_requested),
    )
    _end(turn, Status(status))
    if not turn.over:
        turn.change = pending
        turn.flush(for_call=True)


def _end(turn: Turn, status: Status, message: str = "") -> None:
    """Write a final status with the run's outputs."""
    outputs = {row.name: row.outputs for row in turn.rows if row.outputs}
    failed = [row for row in turn.rows if row.status in {Status.FAILED, Status.TIMED_OUT}]
    if status in {Status.FAILED, Status.TIMED_OUT} and failed and not message:
        message = f"Step {failed[-1].name} {_verb(failed[-1])}: {failed[-1].failure_message}"
    turn.set(
        status=status,
        current_step="",
        current_action="",
        failure_message=message,
        outputs=flow.document_outputs(turn.runbook, outputs, turn.execution.values),
        ended_at=clock.now(),
    )
    turn.event(f"execution:{status.value.lower()}", message=message)
    turn.end()


def _verb(row: StepExecution) -> str:
    return "timed out" if row.status == Status.TIMED_OUT else "failed"


def cancel(turn: Turn, row: StepExecution | None) -> None:
    """Interrupt the open step, then run its onCancel step, or end."""
    following = ""
    if row is not None:
        step = turn.runbook.find_step(row.name)
        in_flight = row.phase in {Phase.CALL, Phase.UNKNOWN}
        if step is not None:
            turn.action(row).stopped(turn.context(row), "cancel")
            move = flow.cancel_step(turn.runbook, step)
            following = move.step or "" if move.kind == "step" else ""
        row.status, row.unknown = Status.CANCELLED, None
        row.failure_message = (
            "Cancelled while its call was under way; it may have taken effect."
            if in_flight
            else "Cancelled."
        )
        close(turn, row)
        turn.event("step:cancelled", row, message=row.failure_message)
    turn.set(stop_requested="CleanUp", current_step=following)
    turn.flush(for_call=True)
    if not following:
        finish(turn)


def give_up(turn: Turn) -> None:
    """Workers died over this execution again and again: fail it, by name, and spare the others."""
    row = turn.open_row
    where = f"step {row.name}" if row else "the start"
    message = (
        f"The engine gave up at {where}: {turn.execution.takeovers - 1} workers in a row were lost"
        " over it. The workers' log says more."
    )
    if row is not None:
        row.status, row.failure_message, row.failure_type = Status.FAILED, message, "Internal"
        close(turn, row)
        turn.event("step:failed", row, message=message)
    _end(turn, Status.FAILED, message)


def settle(turn: Turn, row: StepExecution) -> Outcome | Again:
    """What a person said of a call whose outcome nobody could know."""
    signal = next((known for known in turn.signals if known.step_id == row.id), None)
    if signal is None:
        return Again(NEVER)
    turn.signals.remove(signal)
    turn.change.consumed.append(signal.id)
    comment = f": {signal.payload.get('comment')}" if signal.payload.get("comment") else "."
    row.unknown = None
    if signal.kind == "adopt":
        return turn.action(row).adopted(turn.context(row))
    if signal.kind == "rerun":
        row.attempt += 1
        row.phase, row.status, row.due_at = Phase.BEGIN, Status.IN_PROGRESS, clock.now()
        return Again(row.due_at)
    raise StepFailed(
        f"{signal.by} said that the call did not take effect{comment}", retryable=False
    )

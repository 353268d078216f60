"""How steps and runs end: leave, finish, cancel, give up, and settle what nobody knew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, cast

from executions import aws, clock, closing
from executions.actions.base import Call, Outcome, StepFailed
from executions.models import Execution, StepExecution
from executions.runbook import flow
from executions.runbook.types import Runbook
from executions.states import NEVER, Status
from executions.turn import Again, Phase, Turn, in_doubt

# What a stop request has become when the engine has taken it up.
CLEAN_UP: Final = "CleanUp"
COMPLETED: Final = "Ending"


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
    if turn.waits_for_people:
        turn.flush()
    elif not following:
        finish(turn)
    elif row.call and row.call["effect"] != aws.Effect.READ.value:
        turn.flush()  # what a call did must not be lost with a worker that dies in the next step


def close(turn: Turn, row: StepExecution) -> None:
    """Let the next commit end the row, and with it whatever was sent to it."""
    for signal in [known for known in turn.signals if known.step_id == row.id]:
        turn.consume(signal)
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
    _end(turn, Status.SUCCESS if execution.stop_requested == COMPLETED else Status(status))
    if not turn.over:
        turn.change = pending
        turn.flush(for_call=True)


def _end(turn: Turn, status: Status, message: str = "") -> None:
    """Write a final status with the run's outputs."""
    outputs = {row.name: row.outputs for row in turn.rows if row.outputs}
    turn.set(
        status=status,
        current_step="",
        current_action="",
        failure_message=message or _why(turn, status),
        outputs=flow.document_outputs(turn.runbook, outputs, turn.execution.values),
        ended_at=clock.now(),
    )
    turn.event(f"execution:{status.value.lower()}", message=turn.execution.failure_message)
    turn.end()


def _why(turn: Turn, status: Status) -> str:
    """The last step by which a run has this status, and its message; nothing for a success."""
    if status not in {Status.FAILED, Status.TIMED_OUT}:
        return ""
    verb = "timed out" if status == Status.TIMED_OUT else "failed"
    for row in reversed(turn.rows):
        if flow.final_status(turn.runbook, [(row.name, row.status)]) == status:
            return f"Step {row.name} {verb}: {row.failure_message}"
    return ""


def stop(turn: Turn, row: StepExecution | None) -> None:
    """Interrupt the open step; a cancelled run goes to its onCancel step, any other ends."""
    following = interrupt(turn, row) if row is not None else ""
    if turn.execution.stop_requested == "Complete":
        turn.set(stop_requested=COMPLETED, current_step="")
    else:
        turn.set(stop_requested=CLEAN_UP, current_step=following)
    turn.flush(for_call=True)
    if not turn.execution.current_step:
        finish(turn)


def interrupt(turn: Turn, row: StepExecution, by: str = "") -> str:
    """End the open step as Cancelled. Answers with the name of its onCancel step, if any."""
    following = ""
    step = turn.runbook.find_step(row.name)
    doubt = in_doubt(row)
    if step is not None:
        last = turn.action(row).stopped(turn.context(row), "cancel")
        if isinstance(last, Call):
            closing.call_last(turn, row, last)
        move = flow.cancel_step(turn.runbook, step)
        following = move.step or "" if move.kind == "step" else ""
    row.status, row.unknown = Status.CANCELLED, None
    row.failure_message = (
        "Cancelled while its call was under way; it may have taken effect."
        if doubt
        else "Cancelled."
    )
    close(turn, row)
    turn.event("step:cancelled", row, by, message=row.failure_message)
    return following


def give_up(execution: Execution) -> None:
    """Workers died over this execution again and again: fail it, by name, and spare the others.

    Its document is not read, since that may be what they died of; so it publishes no outputs.
    """
    turn = Turn.load(execution, Runbook(schema_version="0.3", steps=()))
    row = turn.open_row
    where = f"step {row.name}" if row else f"step {execution.current_step or 'one'}"
    message = (
        f"The engine gave up at {where}: {execution.takeovers - 1} workers in a row were lost over"
        " it. The workers' log says more."
    )
    if row is not None:
        if in_doubt(row):
            message += " Its call may have taken effect."
        row.status, row.failure_message, row.failure_type = Status.FAILED, message, "Internal"
        close(turn, row)
        turn.event("step:failed", row, message=message)
    _end(turn, Status.FAILED, message)


def settle(turn: Turn, row: StepExecution) -> Outcome | Again:
    """What a person said of a call whose outcome nobody could know."""
    signal = next((known for known in turn.signals if known.step_id == row.id), None)
    if signal is None:
        return Again(NEVER)
    turn.consume(signal)
    comment = f": {signal.payload.get('comment')}" if signal.payload.get("comment") else "."
    asked_at = datetime.fromisoformat((row.unknown or {})["since"])
    row.unknown = None
    if signal.kind == "adopt":
        if row.deadline_at is not None:  # the time that a person took is not the step's
            row.deadline_at += clock.now() - asked_at
        return turn.action(row).adopted(turn.context(row))
    if signal.kind == "rerun":
        row.attempt += 1
        row.phase, row.status, row.due_at = Phase.BEGIN, Status.IN_PROGRESS, clock.now()
        row.deadline_at = None
        turn.set(status=Status.IN_PROGRESS)
        return Again(row.due_at)
    raise StepFailed(
        f"{signal.by} said that the call did not take effect{comment}", retryable=False
    )

"""How steps and runs end: leave, finish, cancel, give up, and settle what nobody knew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final, cast

from django.conf import settings

from executions import aws, children, clock, closing, lifecycle, loops
from executions.actions.base import Outcome, StepFailed, Unknown
from executions.models import Execution, StepExecution
from executions.runbook import flow
from executions.runbook.types import Runbook, Step
from executions.states import NEVER, Status
from executions.turn import Again, Phase, Turn, evidence_of, in_doubt

# What a stop request has become when the engine has taken it up.
CLEAN_UP: Final = "CleanUp"
COMPLETED: Final = "Ending"


def leave(turn: Turn, row: StepExecution) -> None:
    """The step has ended: on to the next one, or to the end of the run."""
    closing.close(turn, row)
    step = turn.runbook.find_step(row.name)
    move = _find_move(turn, row, step) if step else flow.Move("end")
    loop = turn.open_row  # the one around the step, if any
    following = move.step or ""
    if step and loop and (move.exits or move.kind == "end"):
        loops.leave(turn, loop, row, step)
    elif loop and move.kind == "pass":
        following = loop.name
    turn.set(current_step=following)
    if turn.waits_for_people:
        turn.flush()
    elif not following:
        finish(turn)
    elif row.call and row.call["effect"] != aws.Effect.READ.value:
        turn.flush()  # what a call did must not be lost with a worker that dies in the next step


def _find_move(turn: Turn, row: StepExecution, step: Step) -> flow.Move:
    if not turn.execution.stop_requested:
        return flow.next_step(turn.runbook, step, cast(flow.Status, row.status), row.chosen or None)
    # An onCancel step leads only where it says itself.
    if row.status == Status.SUCCESS and step.next_step:
        return flow.Move("step", step.next_step)
    return flow.Move("end")


def finish(turn: Turn, failure: str = "") -> None:
    """The run is over; unless a stop request came first, which then decides.

    `failure` is a reason to fail that is no step's.
    """
    execution, pending = turn.execution, turn.change
    turn.change = replace(
        pending,
        columns=dict(pending.columns),
        steps=list(pending.steps),
        events=list(pending.events),
        also=list(pending.also),
    )
    status = flow.final_status(
        turn.runbook,
        [(row.name, row.status) for row in turn.rows],
        cancelled=bool(execution.stop_requested),
    )
    if failure:
        status = "Failed"
    elif execution.stop_requested in {COMPLETED, "Complete"}:
        status = "Success"
    _end(turn, Status(status), failure)
    if not turn.over:
        turn.change = pending
        turn.flush(for_call=True)


def _end(turn: Turn, status: Status, message: str = "") -> None:
    """Write a final status with the run's outputs, and wake the run that waits for this one."""
    turn.set(
        status=status,
        current_step="",
        current_action="",
        failure_message=message or _why(turn, status),
        outputs=flow.document_outputs(turn.runbook, turn.scope()),
        ended_at=clock.now(),
        slot=None,
    )
    if parent := turn.execution.parent_id:
        turn.change.also.append(partial(lifecycle.nudge, parent))
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


def refuse_more(turn: Turn) -> None:
    """Fail the run instead of beginning another step: it has had as many as a run may have."""
    message = (
        f"The run was ended before step {turn.execution.current_step}: it has had"
        f" {settings.MOST_STEPS} steps, the most that one run may have. Its steps may be repeating"
        " without end."
    )
    for loop in turn.open_rows:
        loop.status, loop.failure_message = Status.FAILED, message
        loops.close(turn, loop)
    turn.set(current_step="")
    finish(turn, message)


def stop(turn: Turn) -> None:
    """Interrupt the open steps; a cancelled run goes to an onCancel step, any other ends."""
    following, inner = "", None
    for row in turn.open_rows:
        if inner is not None and following and loops.is_outside(turn, row, following):
            loops.exit_by(turn, row, inner)
        else:
            following = interrupt(turn, row) or following
        inner = row
    if turn.execution.stop_requested == "Complete":
        turn.set(stop_requested=COMPLETED, current_step="")
    else:
        turn.set(stop_requested=CLEAN_UP, current_step=following)
    turn.flush(for_call=True)
    if not turn.execution.current_step:
        finish(turn)


def interrupt_inside(turn: Turn, loop: StepExecution, by: str = "") -> None:
    """End the steps inside a loop that is itself about to end."""
    for row in turn.open_rows:
        if row is loop:
            return
        interrupt(turn, row, by)


def interrupt(turn: Turn, row: StepExecution, by: str = "") -> str:
    """End the open step as Cancelled. Answers with the name of its onCancel step, if any."""
    following = ""
    step = turn.runbook.find_step(row.name)
    doubt = in_doubt(row)
    if step is not None:
        closing.cut_short(turn, row, "cancel")
        move = flow.cancel_step(turn.runbook, step)
        following = move.step or "" if move.kind == "step" else ""
    row.status = Status.CANCELLED
    row.failure_message = (
        "Cancelled while its call was under way; it may have taken effect."
        if doubt
        else "Cancelled."
    )
    closing.close(turn, row)
    turn.event("step:cancelled", row, by, message=row.failure_message)
    return following


def give_up(execution: Execution) -> None:
    """Workers died over this execution again and again: fail it, by name, and spare the others.

    Its document is not read, since that may be what they died of; so it publishes no outputs.
    """
    turn = Turn.load(execution, Runbook(schema_version="0.3", steps=()))
    rows = turn.open_rows
    where = f"step {rows[0].name if rows else execution.current_step or 'one'}"
    message = (
        f"The engine gave up at {where}: {execution.takeovers - 1} workers in a row were lost over"
        " it. The workers' log says more."
    )
    if rows and in_doubt(rows[0]):
        message += " Its call may have taken effect."
    for row in rows:
        children.cancel(row)
        row.status, row.failure_message, row.failure_type = Status.FAILED, message, "Internal"
        closing.close(turn, row)
        turn.event("step:failed", row, message=message)
    _end(turn, Status.FAILED, message)


def ask(turn: Turn, row: StepExecution, unknown: Unknown) -> None:
    """Stop and let a person say what happened; never guess."""
    row.unknown = {
        "reason": unknown.reason,
        "evidence": {**evidence_of(row), **unknown.evidence},
        "since": clock.now().isoformat(),
    }
    row.phase, row.status, row.due_at = Phase.UNKNOWN, Status.WAITING, NEVER
    turn.event("step:unknown", row, message=unknown.reason)
    turn.set(status=Status.WAITING)
    turn.let_go(turn.execution.stop_deadline or NEVER)


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
        for one in turn.open_rows:  # the time that a person took is not the step's
            if one.deadline_at is not None:
                one.deadline_at += clock.now() - asked_at
                turn.touch(one)
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

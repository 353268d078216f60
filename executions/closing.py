"""The end of a step: its row, and the last calls of one that is cut short."""

from __future__ import annotations

from executions import aws, children, clock
from executions.actions.base import Call, Outcome, StepFailed
from executions.models import StepExecution
from executions.states import NEVER
from executions.turn import Phase, Turn


def close(turn: Turn, row: StepExecution) -> None:
    """Let the next commit end the row, and with it whatever was sent to it."""
    for signal in [known for known in turn.signals if known.step_id == row.id]:
        turn.consume(signal)
    row.phase, row.due_at, row.ended_at = Phase.ENDED, NEVER, clock.now()
    row.unknown = None  # also if the time of an onCancel step ran out before anybody answered
    turn.touch(row)


def cut_short(turn: Turn, row: StepExecution, why: str) -> Outcome | None:
    """End what the step began elsewhere ("timeout" or "cancel").

    Answers with what overrules a time-out, if the action knows of anything.
    """
    last = turn.action(row).stopped(turn.context(row), why)
    if last is not None and not isinstance(last, Call):
        return last
    if last is not None:
        _call_last(turn, row, last)
    for child in children.cancel(row, turn.execution.stop_deadline):
        turn.event("step:closing", row, call=f"execution {child}", message="Told to stop.")
    return None


def _call_last(turn: Turn, row: StepExecution, call: Call) -> None:
    """Make the call once, best effort: the step ends however it is answered, and says so.

    A worker that dies here leaves the step open, and the next one makes the call again. So it must
    be one that can be repeated, such as to cancel what runs.
    """
    name = f"{call.service}:{call.operation}"
    try:
        target = aws.operation(call.service, call.operation)
        identity = turn.identity()
        turn.flush(for_call=True)
        aws.call(identity, turn.execution.region, target, dict(call.request))
    except (aws.AwsError, StepFailed) as trouble:
        turn.event("step:closing", row, call=name, message=f"It may go on: {trouble}")
    else:
        turn.event("step:closing", row, call=name, message="Ended with the step.")

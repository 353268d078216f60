"""The last calls of a step that is cut short: they end what it began elsewhere."""

from __future__ import annotations

from executions import aws
from executions.actions.base import Call, StepFailed
from executions.models import StepExecution
from executions.turn import Turn


def call_last(turn: Turn, row: StepExecution, call: Call) -> None:
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

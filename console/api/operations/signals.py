"""SendAutomationSignal: decisions, and the steps of interactive executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from approvals import decisions
from approvals.models import ApprovalRequest
from console.api.operations.base import Caller, Params, operation
from console.api.operations.executions import locate_execution
from console.api.protocol import ApiError
from executions import signals
from executions.errors import Conflict, NotFound
from executions.events import asked
from executions.models import Execution

ACTION = "ssm:SendAutomationSignal"
DECISIONS = ("Approve", "Reject")


@operation
def send_automation_signal(caller: Caller, params: Params) -> dict[str, Any]:
    """Approve, Reject, StartStep, StopStep or Resume; Revoke has nothing to revoke here."""
    execution = locate_execution(caller, params, ACTION)
    kind, payload = params["SignalType"], params.get("Payload", {})
    if kind in DECISIONS:
        _decide(caller, execution, kind, _one(payload, "Comment"))
    else:
        value = _one(payload, signals.STEERS.get(kind, ""))
        signals.send(execution, kind, value, by=caller.user)
    return {}


def _one(payload: Mapping[str, Sequence[str]], name: str) -> str:
    """A payload's value, which the API wraps in a list."""
    values = payload.get(name, [])
    if len(values) > 1:
        raise ApiError("InvalidAutomationSignalException", f"{name} takes one value.")
    return values[0] if values else ""


def _decide(caller: Caller, execution: Execution, verdict: str, comment: str) -> None:
    """A decision on the one request that waits; the latest, if none does, says why not."""
    request = ApprovalRequest.objects.filter(execution=execution).first()
    if request is None:
        with asked(caller.user, ACTION, execution.arn) as entry:
            entry.data = {"verdict": verdict}
            caller.require(ACTION, execution.arn)
            raise Conflict(f"No step of {execution} waits for an approval.")
    try:
        decisions.decide(request.pk, by=caller.user, verdict=verdict, comment=comment)
    except NotFound:
        # Somebody of the account who is not named and may not see the execution.
        caller.require(ACTION, execution.arn)
        caller.require("ssm:GetAutomationExecution", execution.arn)
        raise

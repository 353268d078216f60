"""SendAutomationSignal: decisions, and the steps of interactive executions."""

from __future__ import annotations

from typing import Any

from approvals import decisions
from approvals.models import ApprovalRequest
from console.api.operations.base import Caller, Params, operation
from console.api.operations.executions import find_execution
from console.api.protocol import ApiError
from executions import signals
from executions.models import Execution

INVALID = "InvalidAutomationSignalException"


@operation
def send_automation_signal(caller: Caller, params: Params) -> dict[str, Any]:
    """Approve, Reject, StartStep, StopStep, Resume or Revoke."""
    execution = find_execution(caller, params)
    kind, payload = params["SignalType"], params.get("Payload", {})
    if kind in {"Approve", "Reject"}:
        _decide(caller, execution, kind, _one(payload, "Comment"))
    elif kind == "Revoke":
        raise ApiError(INVALID, "Revoke is for access requests, which Countersign does not have.")
    else:
        name = "StepExecutionId" if kind == "StopStep" else "StepName"
        if not (value := _one(payload, name)):
            raise ApiError(INVALID, f"{kind} needs {name} in its payload.")
        signals.send(execution, kind, value, by=caller.user)
    return {}


def _one(payload: Any, name: str) -> str:
    """A payload's value, which the API wraps in a list."""
    values = payload.get(name, [])
    if len(values) > 1:
        raise ApiError(INVALID, f"{name} takes one value.")
    return values[0] if values else ""


def _decide(caller: Caller, execution: Execution, verdict: str, comment: str) -> None:
    """A decision on the one request that waits; the latest, if none does, says why not."""
    request = ApprovalRequest.objects.filter(execution=execution).first()
    if request is None:
        raise ApiError(INVALID, f"No step of {execution} waits for an approval.")
    decisions.decide(request.pk, by=caller.user, verdict=verdict, comment=comment)

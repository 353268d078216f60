"""Calls that may change something: the intent is committed before, the outcome after.

What follows a lost answer depends on what repeating would do. A read, a call with a client
token and an idempotent one are sent again, the same bytes with the same token. For any other the
engine waits until no late arrival is possible, and asks the action to look (`recover`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from executions import aws, clock
from executions.actions.base import BadInput, Call, CallFailed, Outcome, StepFailed
from executions.models import StepExecution
from executions.turn import Again, Phase, Turn, soon, token


def send(turn: Turn, row: StepExecution, call: Call) -> Outcome | Again:
    """Make an action's call: intent, call, and what the action makes of the answer."""
    target = find(call.service, call.operation)
    request = aws.coerce(dict(call.request), target.model.input_shape)
    if target.token_member and not request.get(target.token_member):
        request[target.token_member] = token(row)
    if problem := aws.check_request(target, request):
        raise BadInput(f"{target.service}:{target.name} does not take these inputs: {problem}")
    row.state = dict(call.state)
    row.call = {
        "service": target.service,
        "operation": target.name,
        "request": request,
        "sha256": fingerprint(request),
        "effect": target.effect.value,
        "first_at": clock.now().isoformat(),
    }
    return resend(turn, row)


def resend(turn: Turn, row: StepExecution) -> Outcome | Again:
    """Commit the stored call as under way, make it, and hand its answer to the action."""
    call = _stored(row)
    target = find(call["service"], call["operation"])
    identity = turn.identity()
    call["at"] = clock.now().isoformat()
    call["answer"] = "lost"  # until it is here
    row.call, row.phase = dict(call), Phase.CALL
    turn.touch(row)
    turn.event(
        "step:call",
        row,
        call=f"{call['service']}:{call['operation']}",
        effect=call["effect"],
        sha256=call["sha256"],
        attempt=row.attempt,
    )
    turn.flush(for_call=True)
    try:
        response = aws.call(identity, turn.execution.region, target, call["request"])
    except aws.AwsRefused as refusal:
        failed = CallFailed(refusal.code, str(refusal))
        return turn.action(row).refused(turn.context(row), failed)
    except (aws.Throttled, aws.NotSent) as nothing_happened:
        return _later(row, nothing_happened)
    except aws.OutcomeUnknown as lost:
        return _later(row, lost) if repeatable(row) else Again(quiet_until(row))
    return turn.action(row).called(turn.context(row), response)


def follow_up(turn: Turn, row: StepExecution) -> Outcome | Again:
    """Go on with a call that is committed, after a pause, a lost answer, or a lost worker."""
    call = _stored(row)
    if call["answer"] == "none" or repeatable(row):
        return resend(turn, row)
    if clock.now() < quiet_until(row):
        return Again(quiet_until(row))
    turn.event("step:recovering", row, call=f"{call['service']}:{call['operation']}")
    return turn.action(row).recover(turn.context(row))


def repeatable(row: StepExecution) -> bool:
    """Whether sending the stored call again cannot have a second effect."""
    return aws.Effect(_stored(row)["effect"]) is not aws.Effect.UNPROVEN


def quiet_until(row: StepExecution) -> datetime:
    """From when on the stored call can no longer arrive at AWS."""
    at = datetime.fromisoformat(_stored(row)["at"])
    until: datetime = at + aws.call_time() + settings.QUIET_TIME
    return until


def find(service: str, operation: str) -> aws.Operation:
    """The operation, or a failed step that says that there is none."""
    try:
        return aws.operation(service, operation)
    except aws.AwsRefused as unknown:
        raise BadInput(str(unknown)) from unknown


def fingerprint(request: Mapping[str, Any]) -> str:
    """SHA-256 of the request in its canonical form."""
    return hashlib.sha256(
        json.dumps(request, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def _later(row: StepExecution, error: aws.AwsError) -> Again:
    """AWS was busy or out of reach: the same attempt goes on, within the time for retries."""
    call = _stored(row)
    began = datetime.fromisoformat(call["first_at"])
    if clock.now() - began > settings.THROTTLING_RETRY_LIMIT:
        raise StepFailed(
            f"{call['operation']} of {call['service']} was tried for"
            f" {settings.THROTTLING_RETRY_LIMIT.seconds} s: {error} ({error.code})",
            kind="Throttling" if isinstance(error, aws.Throttled) else "Internal",
        )
    if not isinstance(error, aws.OutcomeUnknown):
        call["answer"] = "none"
    row.call = dict(call)
    row.failure_message = f"AWS did not take the call, trying again: {error}"
    return Again(soon())


def _stored(row: StepExecution) -> dict[str, Any]:
    if row.call is None:
        raise StepFailed("The step has no call to go on with.", retryable=False, kind="Internal")
    return dict(row.call)

"""Calls that may change something: the intent is committed before, the outcome after.

What follows a lost answer depends on what repeating would do. A read, a call with a client
token and an idempotent one are sent again, the same bytes with the same token. For any other the
engine waits until no late arrival is possible, and asks the action to look (`recover`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from executions import aws, clock, heartbeat, library, scripts, webhooks
from executions.actions.base import BadInput, Call, CallFailed, Outcome, StepFailed, Unknown
from executions.library import repeats
from executions.models import StepExecution
from executions.pace import soon
from executions.turn import CALL_MARGIN, Again, Phase, Turn, token

MOST_REPEATS = 3  # of one call, although it may be repeated
OURS = (webhooks.SERVICE, scripts.SERVICE)  # calls that AWS's models do not know


def send(turn: Turn, row: StepExecution, call: Call) -> Outcome | Again:
    """Make an action's call: intent, call, and what the action makes of the answer."""
    prepared = _prepare(row, call)
    row.state = dict(call.state)
    now = clock.now().isoformat()
    row.call = {
        **prepared,
        "sha256": fingerprint(prepared["request"]),
        "first_at": now,
        "at": now,
        "answer": "none",
    }
    return resend(turn, row)


def _prepare(row: StepExecution, call: Call) -> dict[str, Any]:
    """The call as AWS's model spells it, with its client token; BadInput if it cannot be right."""
    if call.service in OURS:
        return {
            "service": call.service,
            "operation": call.operation,
            "request": dict(call.request),
            "effect": aws.Effect.UNPROVEN.value,
        }
    target = find(call.service, call.operation)
    request = aws.coerce(dict(call.request), target.model.input_shape)
    if target.token_member and not request.get(target.token_member):
        request[target.token_member] = token(row)
    if problem := aws.check_request(target, request):
        raise BadInput(f"{target.service}:{target.name} does not take these inputs: {problem}")
    return {
        "service": target.service,
        "operation": target.name,
        "request": request,
        "effect": target.effect.value,
    }


def resend(turn: Turn, row: StepExecution) -> Outcome | Again:
    """Commit the stored call as under way, make it, and hand its answer to the action."""
    before, phase = _stored(row), row.phase
    identity = turn.identity()
    # Lost until it is here.
    row.call = {**before, "at": clock.now().isoformat(), "answer": "lost"}
    if before["service"] == scripts.SERVICE:
        row.call["place"] = scripts.place()
    row.phase = Phase.CALL
    name = f"{before['service']}:{before['operation']}"
    facts = {"call": name, "effect": before["effect"], "sha256": before["sha256"]}
    if not turn.intend(row, _call_time(before), **facts, attempt=row.attempt):
        row.call, row.phase = before, phase
        return Again(clock.now())
    try:
        response = _make(turn, row, identity)
    except aws.AwsError as error:
        return _unanswered(turn, row, error, earlier=before["answer"])
    return turn.action(row).called(turn.context(row), response)


def _make(turn: Turn, row: StepExecution, identity: aws.Identity) -> dict[str, Any]:
    call, region = _stored(row), turn.execution.region
    if call["service"] == scripts.SERVICE:
        with heartbeat.keep(turn.lease) as abort:
            attached = call["request"].get("Attachment")
            data = attached and library.attachments.read_attached(
                turn.execution.version_id, attached["Name"]
            )
            terms = scripts.Terms(row.deadline_at, abort, data)
            return scripts.run(identity, region, call["request"], terms)
    # Later than this the call could go on when another worker may have taken over.
    latest = datetime.fromisoformat(call["at"]) + CALL_MARGIN
    if call["service"] == webhooks.SERVICE:
        with aws.not_after(latest + aws.call_time()):  # a read comes first
            return webhooks.post(identity, region, call["request"])
    target = find(call["service"], call["operation"])
    with aws.not_after(latest):
        return aws.call(identity, region, target, json.loads(_canonical(call["request"])))


def _call_time(call: Mapping[str, Any]) -> timedelta:
    """The longest that a stored call can take, from the intent or the last beat on."""
    if call["service"] == scripts.SERVICE:
        return aws.call_time()
    if call["service"] == webhooks.SERVICE:
        return webhooks.call_time()
    return aws.call_time(find(call["service"], call["operation"]))


def _unanswered(
    turn: Turn, row: StepExecution, error: aws.AwsError, earlier: str
) -> Outcome | Again:
    """What follows from an error; it does not explain what an earlier, lost try has done."""
    call = _stored(row)
    lost = earlier == "lost" or isinstance(error, aws.OutcomeUnknown)
    lost = lost and call["effect"] != aws.Effect.READ.value
    call["answer"] = "lost" if lost else "none"
    row.call = call
    if lost and not repeatable(row):
        return Again(quiet_until(row))
    if not isinstance(error, aws.AwsRefused) and _may_go_on(call):
        row.failure_message = f"Trying the call again: {error}"
        return Again(soon())
    return _look(turn, row, error) if lost else _refuse(turn, row, error)


def _may_go_on(call: Mapping[str, Any]) -> bool:
    tried = clock.now() - datetime.fromisoformat(call["first_at"])
    return bool(tried <= settings.THROTTLING_RETRY_LIMIT)


def _refuse(turn: Turn, row: StepExecution, error: aws.AwsError) -> Outcome:
    """Nothing happened, and nothing will."""
    call = _stored(row)
    if isinstance(error, aws.AwsRefused):
        return turn.action(row).refused(turn.context(row), CallFailed(error.code, str(error)))
    raise StepFailed(
        f"{call['operation']} of {call['service']} was tried for"
        f" {settings.THROTTLING_RETRY_LIMIT.seconds} s: {error} ({error.code})",
        kind="Throttling" if isinstance(error, aws.Throttled) else "Internal",
    )


def _look(turn: Turn, row: StepExecution, error: aws.AwsError | None = None) -> Outcome | Again:
    """Let the action find out what became of a call whose answer is lost."""
    outcome = turn.action(row).recover(turn.context(row))
    sent = _stored(row)
    turn.event("step:recovering", row, call=f"{sent['service']}:{sent['operation']}")
    if isinstance(outcome, Unknown) and error:
        return replace(outcome, evidence={**outcome.evidence, "LastAnswer": str(error)})
    return _repeat(turn, row, outcome) if isinstance(outcome, Unknown) else outcome


def _repeat(turn: Turn, row: StepExecution, unknown: Unknown) -> Outcome | Again:
    """Send the call again if somebody vouches for the step, a few times; else a person decides."""
    call, vouched = _stored(row), repeats.declared(turn.execution).get(row.name)
    times = call.get("repeats", 0)
    if vouched is None or turn.execution.stop_requested:
        return unknown
    who = vouched.declared_by_arn
    if times == MOST_REPEATS:
        said = f"{who} declared that the step may be repeated; that was done {times} times."
        return replace(unknown, reason=f"{unknown.reason} {said}")
    turn.event("step:repeating", row, declared_by=who, reason=vouched.reason)
    row.call = {**call, "repeats": times + 1}
    if call["service"] == scripts.SERVICE:
        scripts.forget(call)
    return resend(turn, row)


def follow_up(turn: Turn, row: StepExecution) -> Outcome | Again:
    """Go on with a call that is committed, after a pause, a lost answer, or a lost worker."""
    call = _stored(row)
    if call["answer"] == "none" or repeatable(row):
        return resend(turn, row)
    if call["service"] == scripts.SERVICE:
        return _follow_script(turn, row, call)
    if clock.now() < quiet_until(row):
        return Again(quiet_until(row))
    return _look(turn, row)


def _follow_script(turn: Turn, row: StepExecution, call: dict[str, Any]) -> Outcome | Again:
    """A script leaves marks on its host: adopt its answer, start it, or let a person decide.

    Its worker is gone, and no script outlives its worker: there is nothing to wait for.
    """
    trace = scripts.look_up(call)
    if trace is None or (trace.is_started and trace.answer is None):
        return _look(turn, row)
    if trace.answer is None:
        row.call = {**call, "answer": "none"}
        return Again(clock.now())
    turn.event("step:recovering", row, call=f"{call['service']}:{call['operation']}")
    return turn.action(row).called(turn.context(row), trace.answer)


def repeatable(row: StepExecution) -> bool:
    """Whether sending the stored call again cannot have a second effect."""
    return aws.Effect(_stored(row)["effect"]) is not aws.Effect.UNPROVEN


def quiet_until(row: StepExecution) -> datetime:
    """From when on the stored call can no longer arrive at AWS."""
    call = _stored(row)
    at = datetime.fromisoformat(call["at"])
    until: datetime = at + _call_time(call) + settings.QUIET_TIME
    return until


def find(service: str, operation: str) -> aws.Operation:
    """The operation, or a failed step that says that there is none."""
    try:
        return aws.operation(service, operation)
    except aws.AwsRefused as unknown:
        raise BadInput(str(unknown)) from unknown


def fingerprint(request: Mapping[str, Any]) -> str:
    """SHA-256 of the request in its canonical form."""
    return hashlib.sha256(_canonical(request).encode()).hexdigest()


def _canonical(request: Mapping[str, Any]) -> str:
    """A request as text, in an order of its own: PostgreSQL keeps that of no JSON.

    What is sent again is the same bytes only if it is sent in this order.
    """
    return json.dumps(request, sort_keys=True, separators=(",", ":"))


def _stored(row: StepExecution) -> dict[str, Any]:
    if row.call is None:
        raise StepFailed("The step has no call to go on with.", retryable=False, kind="Internal")
    return dict(row.call)

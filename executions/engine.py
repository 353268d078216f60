"""advance(): the only function that moves an execution.

    claim ► signals ► { begin or go on with a step ► intent ► call ► outcome ► next } ► release

A turn ends when the step must wait, its budget is spent, or the run is over. Everything it
decides follows from rows, so a worker may die anywhere: the lease runs out and the next claim
goes on from the row (executions/store.py, executions/calls.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from executions import aws, calls, clock, closing, ends, interactive, queue
from executions.actions.base import (
    BadInput,
    Call,
    CallFailed,
    Done,
    Outcome,
    StepFailed,
    StepTimedOut,
    Unknown,
    Wait,
)
from executions.models import Execution, StepExecution
from executions.runbook import flow, template
from executions.runbook.jsonpath import CannotConvert, SelectorError, extract_outputs
from executions.states import NEVER, Status
from executions.turn import STOPS, Again, Phase, Turn, evidence_of, in_doubt, soon

SECONDS: Final = re.compile(r"[1-9][0-9]{0,8}")  # 31 years at most


def advance(execution: Execution) -> None:
    """Move a claimed execution as far as it goes in one turn."""
    if execution.takeovers > settings.TAKEOVERS_WITHOUT_PROGRESS:
        ends.give_up(execution)
        return
    turn = Turn.load(execution)
    until = clock.now() + settings.TURN_TIME
    while not turn.over:
        spent = turn.steps_taken >= settings.TURN_STEPS or clock.now() > until
        if spent or queue.stopping.is_set():
            turn.let_go(clock.now())
            queue.ring()
        else:
            _move(turn)


def _move(turn: Turn) -> None:
    """One decision: begin a step, go on with the open one, or end."""
    execution, row = turn.execution, turn.open_row
    if execution.stop_requested in STOPS:
        ends.stop(turn, row)
    elif row is not None and interactive.stop_step(turn, row):
        return
    elif row is not None:
        outcome = _guarded(turn, row, lambda: _go_on(turn, row))
        apply(turn, row, outcome)
    elif execution.status == Status.PENDING:
        turn.set(status=Status.IN_PROGRESS, current_step=flow.first_step(turn.runbook).name)
        turn.event("execution:started")
    elif turn.waits_for_people:
        if name := interactive.next_name(turn):
            _begin(turn, name)
    elif execution.current_step and not _out_of_time(execution):
        _begin(turn, execution.current_step)
    else:
        ends.finish(turn)


def _out_of_time(execution: Execution) -> bool:
    """Whether the time for onCancel steps is over."""
    return execution.stop_deadline is not None and clock.now() >= execution.stop_deadline


def _begin(turn: Turn, name: str) -> None:
    """A new step: its row, its inputs, its first attempt."""
    step = turn.runbook.find_step(name)
    now = clock.now()
    row = StepExecution(
        execution=turn.execution,
        number=len(turn.rows) + 1,
        name=name,
        action=step.action if step else "",
        status=Status.IN_PROGRESS,
        phase=Phase.BEGIN,
        due_at=now,
        started_at=now,
    )
    turn.rows.append(row)
    turn.touch(row)
    turn.steps_taken += 1
    turn.set(current_step=name, current_action=row.action, status=Status.IN_PROGRESS)
    turn.event("step:started", row, action=row.action)
    if turn.execution.takeovers > 1:  # a worker was lost: should it be this step, that shows
        turn.flush()
    apply(turn, row, _guarded(turn, row, lambda: _first_attempt(turn, row)))


def _first_attempt(turn: Turn, row: StepExecution) -> Outcome:
    """Resolve the inputs, once for all attempts, and begin."""
    action, step = turn.action(row), turn.definition(row)
    try:
        row.inputs = template.resolve_inputs(step.inputs, turn.scope())
    except template.MissingValue as missing:
        if not action.lazy_inputs:
            raise BadInput(str(missing)) from missing
        row.inputs = dict(step.inputs)
    return _attempt(turn, row)


def _attempt(turn: Turn, row: StepExecution) -> Outcome:
    """Begin an attempt: its clock starts here."""
    row.deadline_at = row.deadline_at or _deadline(turn, row)  # kept if a worker was lost
    row.call, row.state = None, {}
    return turn.action(row).begin(turn.context(row))


def _deadline(turn: Turn, row: StepExecution) -> datetime | None:
    """When the attempt times out: timeoutSeconds, else the action's default."""
    written = turn.definition(row).timeout_seconds
    limit = turn.action(row).timeout
    if written is not None:
        limit = _read_timeout(written, turn.scope())
    ends_at = [clock.now() + limit] if limit is not None else []
    if turn.execution.stop_deadline:  # an onCancel step has what is left of its two minutes
        ends_at.append(turn.execution.stop_deadline)
    return min(ends_at, default=None)


def _read_timeout(written: int | str, scope: template.Scope) -> timedelta:
    try:
        seconds = str(template.resolve(written, scope))
    except template.MissingValue as missing:
        raise BadInput(f"timeoutSeconds: {missing}") from missing
    if not SECONDS.fullmatch(seconds):
        raise BadInput(f"timeoutSeconds must be a number of seconds from 1, not {seconds!r}.")
    return timedelta(seconds=int(seconds))


def _go_on(turn: Turn, row: StepExecution) -> Outcome | Again:
    """Look at the open step again: something came due, somebody nudged, or a worker was lost."""
    now = clock.now()
    if _out_of_time(turn.execution) or (_expired(row, now) and not _asks_first(row)):
        return _time_out(turn, row)
    if row.phase == Phase.UNKNOWN:
        return ends.settle(turn, row)
    if row.phase in {Phase.CALL, Phase.BEGIN} and row.due_at > now:
        return Again(row.due_at)
    if row.phase == Phase.CALL:
        return calls.follow_up(turn, row)
    if row.phase == Phase.BEGIN:
        return _attempt(turn, row) if row.inputs else _first_attempt(turn, row)
    return turn.action(row).resume(turn.context(row))


def _expired(row: StepExecution, now: datetime) -> bool:
    return row.deadline_at is not None and now >= row.deadline_at


def _asks_first(row: StepExecution) -> bool:
    """Whether the answer of a call is lost: what it was matters more than the time."""
    return row.phase == Phase.UNKNOWN or (
        row.phase == Phase.CALL and row.call is not None and row.call["answer"] == "lost"
    )


def _time_out(turn: Turn, row: StepExecution) -> Outcome:
    """The attempt's time is over; its action may overrule that with what came first."""
    last = turn.action(row).stopped(turn.context(row), "timeout")
    if isinstance(last, Call):
        closing.call_last(turn, row, last)
    elif last is not None:
        return last
    doubt = " Its call may have taken effect." if in_doubt(row) else ""
    until = row.deadline_at or turn.execution.stop_deadline
    raise StepTimedOut(
        f"{row.name} did not end in the time it has, until {until:%d %b %Y, %H:%M:%S} UTC.{doubt}",
        outputs=row.outputs,
    )


def _guarded(
    turn: Turn, row: StepExecution, phase: Callable[[], Outcome | Again]
) -> Outcome | Again | StepFailed:
    """Run a phase; a call that it returns is made here, and trouble that passes is waited out."""
    try:
        outcome = phase()
        while isinstance(outcome, Call):
            outcome = calls.send(turn, row, outcome)
    except StepFailed as failure:
        return failure
    except CallFailed as refusal:
        return StepFailed(f"AWS refused a read: {refusal} ({refusal.code})", stage="Invocation")
    except aws.AwsError as trouble:
        row.failure_message = f"AWS is out of reach, trying again: {trouble}"
        return Again(soon())
    if not isinstance(outcome, Again):
        row.failure_message = ""
    return outcome


def apply(turn: Turn, row: StepExecution, outcome: Outcome | Again | StepFailed) -> None:
    """Write what came out, and what follows from it."""
    turn.touch(row)
    if isinstance(outcome, Done):
        failure = _succeed(turn, row, outcome)
        if failure is None:
            return
        outcome = failure
    if isinstance(outcome, StepFailed):
        _fail(turn, row, outcome)
    elif isinstance(outcome, Wait):
        _wait(turn, row, outcome)
    elif isinstance(outcome, Unknown):
        _ask(turn, row, outcome)
    elif isinstance(outcome, Again):
        row.due_at = outcome.until
        turn.let_go(outcome.until if _asks_first(row) else _until(row))


def _succeed(turn: Turn, row: StepExecution, done: Done) -> StepFailed | None:
    """The step's outputs, and on to the next; outputs that do not convert fail the step."""
    try:
        chosen = extract_outputs(turn.definition(row).outputs, done.response)
    except (CannotConvert, SelectorError) as problem:
        # Another attempt would make the call again, which did what it was to do.
        repeat = row.call is None or row.call["effect"] == aws.Effect.READ.value
        return StepFailed(str(problem), retryable=repeat, stage="PostVerification")
    row.outputs = {**done.outputs, **chosen}
    row.failure_stage = row.failure_type = ""
    row.status, row.chosen = Status.SUCCESS, done.next_step or ""
    if done.variables:
        turn.set(variables={**turn.execution.variables, **done.variables})
    turn.event("step:succeeded", row)
    ends.leave(turn, row)
    return None


def _fail(turn: Turn, row: StepExecution, failure: StepFailed) -> None:
    """Another attempt if there is one, else what onFailure says."""
    timed_out = isinstance(failure, StepTimedOut)
    row.failure_message, row.failure_stage = failure.message, failure.stage
    row.failure_type, row.outputs = failure.kind, dict(failure.outputs)
    step = turn.definition(row) if turn.runbook.find_step(row.name) else None
    another = failure.retryable and not _out_of_time(turn.execution)
    if step and another and row.attempt < step.max_attempts:
        turn.event("step:retrying", row, message=failure.message, attempt=row.attempt)
        row.attempt += 1
        row.phase, row.due_at, row.status = Phase.BEGIN, soon(), Status.IN_PROGRESS
        row.deadline_at = None
        turn.set(status=Status.IN_PROGRESS)
        turn.let_go(row.due_at)
        return
    row.status = Status.TIMED_OUT if timed_out else Status.FAILED
    kind = "step:timed_out" if timed_out else "step:failed"
    turn.event(kind, row, message=failure.message)
    ends.leave(turn, row)


def _wait(turn: Turn, row: StepExecution, wait: Wait) -> None:
    """Release until then; the first pause of a step is told."""
    row.state, row.due_at = dict(wait.state), wait.until
    row.outputs = {**row.outputs, **wait.outputs}
    row.phase = Phase.WAIT
    status = Status.WAITING if wait.paused else Status.IN_PROGRESS
    if status == Status.WAITING and row.status != status:
        turn.event("step:waiting", row)
    row.status = status
    turn.set(status=status)
    turn.let_go(_until(row))


def _until(row: StepExecution) -> datetime:
    return min(row.due_at, row.deadline_at or NEVER)


def _ask(turn: Turn, row: StepExecution, unknown: Unknown) -> None:
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

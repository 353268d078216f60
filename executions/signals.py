"""Signals: they steer interactive runs, end a pause, settle an unknown outcome; each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from executions import library, lifecycle
from executions.errors import BadParameters, Conflict, NotAllowed, NotFound
from executions.events import asked, record
from executions.models import Execution, Signal, StepExecution
from executions.models.executions import COMMENT_LENGTH

if TYPE_CHECKING:
    from console.iam.models import User

# Which value of the payload says what a signal is about.
STEERS: Final = {"StartStep": "StepName", "Resume": "StepName", "StopStep": "StepExecutionId"}

VERDICTS: Final = {
    "adopt": "It took effect: go on as if it had answered.",
    "fail": "It did not: the step has failed.",
    "rerun": "Make the call again.",
}


def send(execution: Execution, kind: str, value: str, *, by: User) -> None:
    """StartStep and Resume name a step of the document, StopStep the id of a running one.

    A Resume ends an aws:pause that waits; everything else is for interactive executions.

    NotFound (AutomationStepNotFoundException) if there is no such step, Conflict
    (InvalidAutomationSignalException) when the signal means nothing now.
    """
    with asked(by, "ssm:SendAutomationSignal", execution.arn) as entry:
        entry.data = {"signal": kind, "value": value}
        if not by.has_perm("ssm:SendAutomationSignal", execution.arn):
            raise NotAllowed("You may not send signals to this execution.")
        if "\x00" in value:  # PostgreSQL does not look for such a name
            raise _no_step(value)
        lifecycle.nudge(execution.pk)  # first, since it takes the row
        execution.refresh_from_db(fields=["status", "stop_requested"])
        step = _paused(execution, value) if kind == "Resume" else None
        if step is None:
            _check(execution, kind, value)
            step = _running(execution, value) if kind == "StopStep" else None
        if step is None:
            _check_start(execution, value)
        Signal.objects.create(
            execution=execution,
            step=step,
            kind=kind,
            payload={"value": value},
            by=by.principal.arn if by.principal else "",
        )
        record(
            execution.pk,
            f"signal:{kind.lower()}",
            step=step.name if step else value,
            by=by.principal.arn if by.principal else "",
        )


def _check(execution: Execution, kind: str, value: str) -> None:
    """The signal means something to this execution as it is now."""
    if kind not in STEERS:
        raise Conflict(f"Countersign has nothing that a {kind} could be for.")
    if not value:
        raise Conflict(f"{kind} needs {STEERS[kind]} in its payload.")
    if kind == "Resume" and execution.mode != "Interactive":
        if library.runbook(execution.version).find_step(value) is None:
            raise _no_step(value)
        raise Conflict(f"Step {value} does not wait to be resumed.")
    if execution.mode != "Interactive":
        raise Conflict(f"{kind} is for interactive executions; this one runs by itself.")
    if execution.is_over or execution.stop_requested:
        raise Conflict(f"The execution is {execution.status}; no step can begin or stop.")


def _paused(execution: Execution, name: str) -> StepExecution | None:
    """The aws:pause step of that name that waits, in any mode; a Resume is for it."""
    step = execution.steps.filter(
        name=name, action="aws:pause", phase=StepExecution.Phase.WAIT
    ).last()
    if step is None or execution.stop_requested:
        return None
    if execution.signals.filter(kind="Resume", step=step, consumed_at=None).exists():
        raise Conflict(f"Step {name} is about to go on; it was resumed already.")
    return step


def _running(execution: Execution, step_id: str) -> StepExecution:
    """The running step of that id."""
    try:
        step = execution.steps.filter(pk=UUID(step_id)).first()
    except ValueError:
        step = None
    if step is None:
        raise _no_step(step_id)
    if step.phase == StepExecution.Phase.ENDED:
        raise Conflict(f"Step {step.name} does not run any more.")
    if execution.signals.filter(kind="StopStep", step=step, consumed_at=None).exists():
        raise Conflict(f"Step {step.name} is being stopped already.")
    return step


def _check_start(execution: Execution, name: str) -> None:
    """A step can begin if the document has it and no other runs; one in a loop only there."""
    step = library.runbook(execution.version).find_step(name)
    if step is None:
        raise _no_step(name)
    running = execution.steps.running().first()
    if running is not None:
        raise Conflict(f"Step {running.name} runs; wait for its end, or stop it.")
    loop = execution.steps.unfinished().first()
    if step.loop and (loop is None or loop.name != step.loop):
        raise Conflict(f"Step {name} is inside the loop {step.loop}; start the loop.")
    if loop is not None and step.loop is None:
        raise Conflict(f"The loop {loop.name} is in a pass; run its steps, or stop it.")
    if execution.signals.filter(
        kind__in=("StartStep", "Resume"), step=None, consumed_at=None
    ).exists():
        raise Conflict("A step is about to begin; wait for its end.")


def _no_step(name: str) -> NotFound:
    return NotFound(f"The execution has no step {name}.", code="AutomationStepNotFoundException")


def settle_unknown(step: StepExecution, verdict: str, *, comment: str, by: User) -> None:
    """Say what became of a call whose outcome is unknown: one of VERDICTS."""
    execution = step.execution
    with asked(by, "ssm:SendAutomationSignal", execution.arn) as entry:
        entry.data = {"step": step.name, "verdict": verdict, "comment": comment}
        if not by.has_perm("ssm:SendAutomationSignal", execution.arn):
            raise NotAllowed("You may not decide on this execution.")
        if verdict not in VERDICTS:
            raise BadParameters({"verdict": ["Choose what became of the call."]})
        check_comment(comment)
        # First, since it takes the row: two verdicts are judged one by one.
        lifecycle.nudge(execution.pk)
        waiting = StepExecution.objects.filter(
            pk=step.pk, phase=StepExecution.Phase.UNKNOWN
        ).exists()
        if not waiting or execution.signals.filter(step=step, consumed_at=None).exists():
            raise Conflict(f"The outcome of {step.name} is not in question any more.")
        actor = by.principal.arn if by.principal else ""
        Signal.objects.create(
            execution=execution,
            step=step,
            kind=verdict,
            payload={"comment": comment},
            by=actor,
        )
        record(execution.pk, f"step:{verdict}", step=step.name, by=actor, data={"comment": comment})


def check_comment(comment: str) -> None:
    """BadParameters if a decision cannot be kept with it."""
    if len(comment) > COMMENT_LENGTH:
        text = f"The comment has {len(comment)} characters; {COMMENT_LENGTH} are the limit."
    elif "\x00" in comment:
        text = "The comment holds a character that is no text (NUL)."
    else:
        return
    raise BadParameters({"comment": [text]}, code="ValidationException")

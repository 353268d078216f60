"""Signals that steer the steps of an interactive execution; each is applied once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from executions import library, lifecycle
from executions.errors import Conflict, NotAllowed, NotFound
from executions.events import asked, record
from executions.models import Execution, Signal, StepExecution

if TYPE_CHECKING:
    from console.iam.models import User

STEERS = frozenset({"StartStep", "Resume", "StopStep"})


def send(execution: Execution, kind: str, value: str, *, by: User) -> None:
    """StartStep and Resume name a step of the document, StopStep the id of a running one.

    Raises Conflict (InvalidAutomationSignalException) when the signal means nothing now.
    """
    with asked(by, "ssm:SendAutomationSignal", execution.arn) as entry:
        entry.data = {"signal": kind, "value": value}
        if not by.has_perm("ssm:SendAutomationSignal", execution.arn):
            raise NotAllowed("You may not send signals to this execution.")
        lifecycle.nudge(execution.pk)  # first, since it takes the row
        execution.refresh_from_db(fields=["status", "stop_requested"])
        if kind not in STEERS or execution.mode != "Interactive":
            raise Conflict(f"{kind} is for interactive executions; this one runs by itself.")
        if execution.is_over or execution.stop_requested:
            raise Conflict(f"The execution is {execution.status}; no step can begin or stop.")
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
    return step


def _check_start(execution: Execution, name: str) -> None:
    """A step can begin if the document has it and no other runs."""
    if library.runbook(execution.version).find_step(name) is None:
        raise _no_step(name)
    running = execution.steps.exclude(phase=StepExecution.Phase.ENDED).first()
    if running is not None:
        raise Conflict(f"Step {running.name} runs; wait for its end, or stop it.")
    if execution.signals.filter(kind__in=("StartStep", "Resume"), consumed_at=None).exists():
        raise Conflict("A step is about to begin; wait for its end.")


def _no_step(name: str) -> NotFound:
    return NotFound(f"The execution has no step {name}.", code="AutomationStepNotFoundException")

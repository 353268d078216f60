"""What pages and streams show of an execution's steps."""

from __future__ import annotations

from executions import library
from executions.models import Execution, StepExecution
from executions.runbook.types import Step
from executions.states import Status


def steps(execution: Execution) -> list[StepExecution]:
    """The steps that have begun, in that order."""
    return list(execution.steps.all())


def is_idle(execution: Execution) -> bool:
    """Whether an interactive execution waits for a person to run a step."""
    return (
        execution.mode == "Interactive"
        and execution.status == Status.WAITING
        and not execution.stop_requested
        and not execution.steps.exclude(phase=StepExecution.Phase.ENDED).exists()
    )


def upcoming(execution: Execution) -> list[Step]:
    """The steps of the document that have not begun; those never reached stay so."""
    begun = set(execution.steps.values_list("name", flat=True))
    return [step for step in library.runbook(execution.version).walk() if step.name not in begun]

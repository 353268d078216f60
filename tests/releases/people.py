"""What people and workers do after an upgrade, and what comes of every run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from approvals import decisions
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import jobs, lifecycle, signals
from executions.models import Execution, StepExecution
from executions.states import Status
from tests.engine.runs import Runs
from tests.releases.slow_aws import SlowAws

ROUNDS = 5


def carry_on(runs: Runs, world: SlowAws) -> dict[str, Any]:
    """Let AWS finish, people answer and time pass, until every run is over; how each ended."""
    world.is_done = True
    world.calls.clear()
    for _ in range(ROUNDS):
        _answer(runs)
        jobs.sweep()  # as the clock does: it also admits what waits in the queue
        runs.drain()
    return {_name(run): _end(run, world) for run in Execution.objects.order_by("created_at")}


def _answer(runs: Runs) -> None:
    """alice approves, and olivia resumes, adopts and starts whatever waits for her."""
    alice = User.objects.get(username="alice")
    for request in ApprovalRequest.objects.waiting_for(alice):
        decisions.decide(request.id, by=alice, verdict="Approve")
    for step in _open("pause"):
        signals.send(step.execution, "Resume", step.name, by=runs.person)
    for step in StepExecution.objects.filter(phase="unknown"):
        if not step.execution.signals.filter(consumed_at=None).exists():
            signals.settle_unknown(step, "adopt", comment="It did.", by=runs.person)
    for run in Execution.objects.filter(mode="Interactive", status=Status.WAITING):
        if run.current_step and not run.signals.filter(consumed_at=None).exists():
            signals.send(run, "StartStep", run.current_step, by=runs.person)
        elif not run.current_step:
            lifecycle.stop(run, by=runs.person, kind="Complete")


def _open(action: str) -> Iterable[StepExecution]:
    return StepExecution.objects.filter(action=f"aws:{action}", phase="wait")


def _name(run: Execution) -> str:
    return f"{run.parent.document_name}/{run.document_name}" if run.parent else run.document_name


def _end(run: Execution, world: SlowAws) -> dict[str, Any]:
    """Its end: what pages show, and what AWS was asked for on the way."""
    steps = run.steps.values_list("name", "iteration", "attempt", "status", "outputs")
    return {
        "status": run.status,
        "outputs": run.outputs,
        "steps": [list(step) for step in steps],
        "calls": world.changes().get(f"Automation-{run.pk}", []),
    }

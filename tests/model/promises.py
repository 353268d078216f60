"""What must hold: between any two things that happen, and when a story has come to rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q

from approvals import history as of_approvals
from executions import clock
from executions import history as of_runs
from executions.actions.sleep import parse_duration
from executions.ends import CLEAN_UP
from executions.models import Execution, StepExecution
from executions.states import NEVER, TERMINAL, Slot, Status
from executions.turn import STOPS
from tests.model import reference
from tests.model.found import Scene
from tests.model.judge import Judge

Phase = StepExecution.Phase
IN_USE = (Slot.RUNNING, Slot.BLOCKED)
OVER = ("Success", "Failed", "Cancelled", "TimedOut")


def between(scene: Scene) -> Iterator[tuple[str, str]]:
    """Every promise that holds at any moment: the invariant's name, and what broke it."""
    for execution in scene.active:
        if not execution.lease_owner:
            yield from _of_idle(execution, scene)
        is_cancelled = execution.stop_requested in ("Cancel", CLEAN_UP)
        if is_cancelled and execution.status != Status.CANCELLING:
            yield "stop", f"{execution.id} is {execution.status}, and is to be cancelled"
    for step in scene.steps:
        runs = sum(run.parent_step_id == step.id for run in scene.executions)
        if runs > step.attempt:
            yield "step", f"{step.name} started {runs} runs in {step.attempt} attempts"
    for problem in _of_the_queue(scene):
        yield "queue", problem


def _of_idle(execution: Execution, scene: Scene) -> Iterator[tuple[str, str]]:
    """What no worker has is looked at in time, or waits for a person or in the queue."""
    if execution.wake_at > clock.now():
        for problem in _missed(execution, scene):
            yield "nudge", problem
    asks = any(step.execution_id == execution.id for step in scene.unknown)
    if execution.wake_at == NEVER and not asks and execution.slot != Slot.QUEUED:
        yield "rest", f"{execution.id} is {execution.status}, and nothing will happen"


def _missed(execution: Execution, scene: Scene) -> Iterator[str]:
    """Whoever waits for something that has happened is due: no nudge is ever lost."""
    if execution.stop_requested in STOPS:
        yield f"a stop of {execution.id} waits for nobody"
    if any(signal.execution_id == execution.id for signal in scene.signals):
        yield f"a signal for {execution.id} waits for nobody"
    for step in scene.steps:
        if step.execution_id == execution.id and _has_news(step, scene):
            yield f"{step.name} of {execution.id} is decided, and nobody looks"


def _has_news(step: StepExecution, scene: Scene) -> bool:
    about = (request for request in scene.requests if request.step_id == step.id)
    if any(one.attempt == step.attempt and one.status != "Pending" for one in about):
        return True
    runs = [run for run in scene.executions if run.parent_step_id == step.id]
    # In another phase, another attempt is about to start another run.
    return step.phase == Phase.WAIT and bool(runs) and all(run.is_over for run in runs)


def _of_the_queue(scene: Scene) -> Iterator[str]:
    """No more have a slot than may, and they came before those that wait for one."""
    waiting = [execution for execution in scene.executions if execution.slot == Slot.QUEUED]
    others = [execution for execution in scene.executions if execution.slot in IN_USE]
    if len(others) > settings.MOST_RUNNING + settings.MOST_BLOCKED:
        yield f"{len(others)} have a slot, and {settings.MOST_RUNNING} may run"
    if waiting and others and others[-1].created_at > waiting[0].created_at:
        yield f"{others[-1].id} has a slot, and {waiting[0].id} came before"


def at_rest(judge: Judge, lost: Counter[Any]) -> Iterator[tuple[str, str]]:
    """Every promise about a story that is told to its end: the invariant's name, and what broke it.

    `lost` counts the workers that died or paused over each execution.
    """
    everything = list(Execution.objects.select_related("version"))
    for execution in everything:
        for name, problem in _of_one(execution, judge, lost[execution.id]):
            yield name, f"{problem} ({execution.id})"
    counted = Counter(execution.status for execution in everything)
    queued = sum(execution.slot == Slot.QUEUED for execution in everything)
    in_use = sum(execution.slot in IN_USE for execution in everything)
    waiting = Execution.objects.filter(
        Q(steps__phase=Phase.UNKNOWN) | Q(approval_requests__status="Pending"), status="Waiting"
    ).distinct()
    if len(everything) != sum(counted[status] for status in OVER) + waiting.count() + queued:
        yield "count", f"{len(everything)} were started, and they are {dict(counted)}"
    if queued and in_use < settings.MOST_RUNNING:
        yield "queue", f"{queued} wait for a slot, and {in_use} are in use"


def _of_one(execution: Execution, judge: Judge, lost: int) -> Iterator[tuple[str, str]]:
    steps = list(execution.steps.all())
    given_up = execution.failure_message.startswith("The engine gave up")
    for problem in of_runs.problems(execution):
        yield "history", problem
    for problem in of_approvals.problems(execution):
        yield "approvals", problem
    if given_up and lost < 3:
        yield "given up", f"{lost} workers were lost"
    if not given_up and (problem := reference.explain(_as_data(execution, steps))):
        yield "path", problem
    for problem in _after_the_stop(execution):
        yield "stop", problem
    for step in steps:
        for problem in _of_step(execution, step, judge):
            yield "step", problem


def _as_data(execution: Execution, steps: list[StepExecution]) -> reference.Run:
    """The execution as the reference takes it."""
    places = {step.pk: step.number for step in steps}
    rows = [
        reference.Row(
            step.name,
            step.status if step.status in TERMINAL else "",
            places[step.parent_id] if step.parent_id else None,
            step.iteration,
        )
        for step in steps
    ]
    stop = {"CleanUp": "Cancel", "Ending": "Complete"}.get(
        execution.stop_requested, execution.stop_requested
    )
    document = json.loads(execution.version.content)
    return reference.Run(document, rows, execution.status if execution.is_over else "", stop)


def _after_the_stop(execution: Execution) -> Iterator[str]:
    """After a stop request no call begins but those of steps that clean up, later than that."""
    asked, cancelled = "", False
    forward = set()
    for event in execution.events.all():
        if event.kind in ("execution:cancelling", "execution:completing"):
            asked = event.kind
        elif event.kind == "step:started":
            if not cancelled:
                forward.add(event.step)
            else:
                forward.discard(event.step)
        elif asked and event.kind == "step:cancelled":
            cancelled = True
        elif asked and event.kind in ("step:call", "step:child") and event.step in forward:
            yield f"{event.step} went on after {asked}"


def _of_step(execution: Execution, step: StepExecution, judge: Judge) -> Iterator[str]:
    """As many attempts and runs as there may be, and no sleep that is too short."""
    written = next(one for one in _written(execution) if one["name"] == step.name)
    most = written.get("maxAttempts", 1) + judge.rerun[step.id]
    if step.attempt > most:
        yield f"{step.name} had {step.attempt} attempts of {most}"
    if step.children.count() > step.attempt:
        yield f"{step.name} started {step.children.count()} runs in {step.attempt} attempts"
    if step.action == "aws:sleep" and step.status == "Success" and step.ended_at:
        slept = step.ended_at - step.started_at
        if slept < parse_duration(written["inputs"]["Duration"]) - timedelta(seconds=1):
            yield f"{step.name} slept for {slept}"


def _written(execution: Execution) -> Iterator[dict[str, Any]]:
    for step in json.loads(execution.version.content)["mainSteps"]:
        yield step
        yield from step["inputs"].get("Steps", ())


def unended_children() -> Iterator[StepExecution]:
    """Steps of runs below others that wait for a person, so that the runs above never rest."""
    yield from StepExecution.objects.filter(
        phase=Phase.UNKNOWN, execution__parent__isnull=False
    ).exclude(execution__signals__consumed_at=None, execution__signals__step=F("pk"))

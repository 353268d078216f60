"""What must hold: between any two things that happen, and when a story has come to rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
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
from tests.model import again, reference
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
    for problem in _of_again(everything):
        yield "again", problem
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
    written = reference.places(json.loads(execution.version.content))
    for step in steps:
        yield from _of_step(step, written[step.name], judge)


def may_run_again(execution: Execution) -> bool:
    """Whether somebody who may start it may run it again now."""
    around = again.Around(
        later=[_as_data(one) for one in execution.redrives.all()],
        below=[_as_data(one) for one in _find_below(execution)],
        is_below=execution.parent_id is not None,
        is_later=execution.redrive_of_id is not None,
    )
    return again.may_run_again(_as_data(execution), around)


def _find_below(execution: Execution) -> Iterator[Execution]:
    for child in execution.children.all():
        yield child
        yield from _find_below(child)


def _of_again(everything: list[Execution]) -> Iterator[str]:
    """A run keeps what it is to keep of the one before, and one at most goes on from that."""
    goes_on: Counter[Execution] = Counter()
    for execution in everything:
        before = execution.redrive_of
        if before is None:
            continue
        run = _as_data(execution)
        goes_on[before] += again.goes_on(run)
        if problem := again.explain(_as_data(before), run):
            yield f"{problem} ({execution.id})"
    for before, runs in goes_on.items():
        if runs > 1:
            yield f"{runs} runs went on from {before.id}"


def _as_data(execution: Execution, steps: Iterable[StepExecution] | None = None) -> reference.Run:
    """The execution as the reference takes it; its steps are read, unless they are known."""
    steps = list(execution.steps.all() if steps is None else steps)
    places = {step.pk: step.number for step in steps}
    rows = [
        reference.Row(
            step.name,
            step.status if step.status in TERMINAL else "",
            places[step.parent_id] if step.parent_id else None,
            step.iteration,
            outputs=step.outputs,
            kept=step.kept_from_id is not None,
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


def _of_step(
    step: StepExecution, written: reference.Step, judge: Judge
) -> Iterator[tuple[str, str]]:
    for problem in _of_attempts(step, written, judge):
        yield "step", problem
    for problem in _of_kept(step, written, judge):
        yield "again", problem


def _of_attempts(step: StepExecution, written: reference.Step, judge: Judge) -> Iterator[str]:
    """As many attempts and runs as there may be, and no sleep that is too short."""
    most = written.get("maxAttempts", 1) + judge.rerun[step.id]
    if step.attempt > most:
        yield f"{step.name} had {step.attempt} attempts of {most}"
    if step.is_parent and step.children.count() > step.attempt:
        yield f"{step.name} started {step.children.count()} runs in {step.attempt} attempts"
    slept_itself = step.action == "aws:sleep" and not step.kept_from_id
    if slept_itself and step.status == "Success" and step.ended_at:
        slept = step.ended_at - step.started_at
        if slept < parse_duration(written["inputs"]["Duration"]) - timedelta(seconds=1):
            yield f"{step.name} slept for {slept}"


def _of_kept(step: StepExecution, written: reference.Step, judge: Judge) -> Iterator[str]:
    """What is kept made no call; each look and each approval is the run's own."""
    called = step.id in judge.called_for
    if step.kept_from_id and called:
        yield f"{step.name} is kept, and made a call"
    if step.status != Status.SUCCESS:
        return
    if step.action == "aws:executeAwsApi" and not again.changes(written) and not called:
        yield f"{step.name} succeeded, and did not look"
    if step.action == "aws:approve":
        approved = judge.approvals.get(step.id, ())
        if len(approved) < written["inputs"]["MinRequiredApprovals"]:
            yield f"{step.name} succeeded, and {approved} have approved it in this run"


def unended_children() -> Iterator[StepExecution]:
    """Steps of runs below others that wait for a person, so that the runs above never rest."""
    yield from StepExecution.objects.filter(
        phase=Phase.UNKNOWN, execution__parent__isnull=False
    ).exclude(execution__signals__consumed_at=None, execution__signals__step=F("pk"))

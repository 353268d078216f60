"""Whether the rows of an execution tell a story that can have happened.

Read-only, and from rows alone: `manage.py verify_history` asks it of a real site, the tests after
everything that may go wrong. What AWS saw is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID

from executions import kept, library, paths
from executions.models import Event, Execution, StepExecution
from executions.runbook import flow
from executions.runbook.types import Runbook
from executions.states import NEVER, TERMINAL, Slot, Status

Phase = StepExecution.Phase
# Hosts' clocks may differ by so much, as the manual says.
SKEW: Final = timedelta(seconds=1)
# What happens in a turn gathers, and then waits for the database, which may take others first.
GATHERING: Final = timedelta(seconds=30)
GIVEN_UP: Final = ("The engine gave up at", "The run was ended before")  # executions/ends.py
ENDS: Final = frozenset(f"execution:{status.value.lower()}" for status in TERMINAL)
STEP_ENDS: Final = {
    Status.SUCCESS: "step:succeeded",
    Status.FAILED: "step:failed",
    Status.TIMED_OUT: "step:timed_out",
    Status.CANCELLED: "step:cancelled",
    Status.EXITED: "step:exited",
}


@dataclass(frozen=True, slots=True)
class Story:
    """An execution with all its rows."""

    execution: Execution
    steps: Sequence[StepExecution]
    events: Sequence[Event]

    @property
    def runbook(self) -> Runbook:
        """What it runs."""
        return library.runbook(self.execution.version)

    @property
    def was_given_up(self) -> bool:
        """Whether the engine ended it: workers died over it, or it had too many steps."""
        return self.execution.failure_message.startswith(GIVEN_UP)

    @property
    def until_cancelled(self) -> Sequence[StepExecution]:
        """The steps up to the first that was cancelled; after a stop request others clean up."""
        if not self.execution.stop_requested:
            return self.steps
        cancelled = (
            place
            for place, step in enumerate(self.steps, start=1)
            if step.status == Status.CANCELLED and not step.is_loop
        )
        return self.steps[: next(cancelled, len(self.steps))]


def problems(execution: Execution) -> Iterator[str]:
    """Sentences about what cannot have happened; none for a story that holds."""
    story = Story(execution, list(execution.steps.all()), list(execution.events.all()))
    for rule in RULES:
        yield from rule(story)


def _numbers(story: Story) -> Iterator[str]:
    """Events and steps are counted from 1, without a gap."""
    seqs = [event.seq for event in story.events]
    if seqs != list(range(1, story.execution.event_seq + 1)):
        yield f"its events are {seqs[:20]}, of {story.execution.event_seq}"
    numbers = [step.number for step in story.steps]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"its steps are numbered {numbers[:20]}"


def _times(story: Story) -> Iterator[str]:
    """Nothing is told before what came before it."""
    for before, after in pairwise(story.events):
        if after.at < before.at - SKEW - GATHERING:
            yield f"event {after.seq} ({after.kind}) is older than event {before.seq}"
    for step in story.steps:
        if step.ended_at is not None and step.ended_at < step.started_at - SKEW:
            yield f"step {step.number} ({step.name}) ended before it began"


def _end(story: Story) -> Iterator[str]:
    """Who has ended says so once, at the very last, and is let go; who has not does not."""
    execution = story.execution
    told = [event.kind for event in story.events if event.kind in ENDS]
    if not execution.is_over:
        if told:
            yield f"it is {execution.status}, and told {told}"
        return
    if told != [f"execution:{execution.status.lower()}"]:
        yield f"it ended as {execution.status}, and told {told}"
    elif story.events[-1].kind not in ENDS:
        yield f"{story.events[-1].kind} came after its end"
    if execution.ended_at is None:
        yield "it ended at no time"
    if execution.lease_owner or execution.slot or execution.wake_at != NEVER:
        yield "it is over, and holds a slot or will be looked at again"


def _open_steps(story: Story) -> Iterator[str]:
    """A step is open or final. One at a time is open, with the loop that it is in."""
    for step in story.steps:
        if (step.phase == Phase.ENDED) != (step.status in TERMINAL):
            yield f"step {step.number} ({step.name}) is {step.status} in phase {step.phase}"
        if (step.phase == Phase.UNKNOWN) != bool(step.unknown):
            yield f"step {step.number} ({step.name}) asks a person, without saying what"
    opened = [step for step in story.steps if step.phase != Phase.ENDED]
    if story.execution.is_over and opened:
        yield f"it is over, and {opened[0].name} is open"
    for outer, inner in pairwise(opened):
        if inner.parent_id != outer.pk:
            yield f"{outer.name} and {inner.name} are open at the same time"


def _told(story: Story) -> Iterator[str]:
    """Each beginning and each end of a step has its event."""
    told = Counter((event.step, event.kind) for event in story.events)
    begun = Counter(step.name for step in story.steps if not step.kept_from_id)
    for name, count in begun.items():
        if told[name, "step:started"] != count:
            yield f"{name} began {count} times, and {told[name, 'step:started']} were told"
    ended = Counter(
        (step.name, "step:kept" if step.kept_from_id else STEP_ENDS[Status(step.status)])
        for step in story.steps
        if step.phase == Phase.ENDED and step.status in STEP_ENDS
    )
    for (name, kind), count in ended.items():
        if told[name, kind] != count:
            yield f"{name} has {count} rows for {kind}, and {told[name, kind]} were told"


def _calls(story: Story) -> Iterator[str]:
    """A stored call was announced before it was made, with these very bytes."""
    announced = {
        (event.step, event.data.get("sha256"))
        for event in story.events
        if event.kind == "step:call"
    }
    for step in story.steps:
        sent = step.call is not None and step.call.get("answer") != "none"
        if sent and (step.name, (step.call or {}).get("sha256")) not in announced:
            yield f"step {step.number} ({step.name}) made a call that nobody announced"


def _rest(story: Story) -> Iterator[str]:
    """Whoever is not looked at again waits for a person, or in the queue."""
    execution = story.execution
    if execution.is_over or execution.lease_owner or execution.wake_at != NEVER:
        return
    if execution.status != Status.WAITING and execution.slot != Slot.QUEUED:
        yield f"it is {execution.status}, and nobody will ever look at it"


def _stop(story: Story) -> Iterator[str]:
    """After a stop request only steps that clean up make calls, after a cancelled step."""
    asked, cancelled = "", False
    others: set[str] = set()
    for event in story.events:
        if event.kind in {"execution:cancelling", "execution:completing"}:
            asked = event.kind
        elif event.kind == "step:started":
            (others.discard if cancelled else others.add)(event.step)
        elif asked and event.kind == "step:cancelled":
            cancelled = True
        elif asked and event.kind in {"step:call", "step:child"} and event.step in others:
            yield f"{event.step} went on after {asked}"
    if story.execution.stop_requested and not asked:
        yield "it was stopped, and nobody asked for that"


def _signals(story: Story) -> Iterator[str]:
    """Of an interactive run, each step began because somebody said so."""
    if story.execution.mode != "Interactive":
        return
    wanted: Counter[str] = Counter()
    for event in story.events:
        if event.kind in {"signal:startstep", "signal:resume"}:
            wanted[event.step] += 1
        elif event.kind == "execution:cancelling":
            return  # what cleans up begins by itself
        elif event.kind == "step:started":
            wanted[event.step] -= 1
            if wanted[event.step] < 0:
                yield f"{event.step} began, and nobody started it"


def _passes(story: Story) -> Iterator[str]:
    """The passes of a loop are counted from 1, and each that began was told."""
    told = Counter(event.step for event in story.events if event.kind == "step:pass")
    known: Counter[str] = Counter()
    for loop in (step for step in story.steps if step.is_loop):
        passes = [step.iteration or 0 for step in story.steps if step.parent_id == loop.pk]
        known[loop.name] += max(passes, default=0)
        for before, after in pairwise([0, *passes]):
            again = after == 1 and loop.attempt > 1
            if after not in {before, before + 1} and not again:
                yield f"pass {after} of {loop.name} came after pass {before}"
    for name, passes_begun in known.items():
        if told[name] < passes_begun:
            yield f"{name} has {passes_begun} passes, and {told[name]} were told"


def _children(story: Story) -> Iterator[str]:
    """Runs that its steps have started belong to these, and lie one level below."""
    parents = {step.pk: step for step in story.steps if step.is_parent and not step.kept_from_id}
    started: dict[UUID, list[Execution]] = {key: [] for key in parents}
    for child in story.execution.children.order_by("created_at"):
        if child.parent_step_id not in parents or child.depth != story.execution.depth + 1:
            yield f"it has the run {child.pk}, which none of its steps can have started"
        else:
            started[child.parent_step_id].append(child)
    for key, runs in started.items():
        yield from _runs(parents[key], runs)


def _runs(step: StepExecution, runs: Sequence[Execution]) -> Iterator[str]:
    """An attempt starts one run, and is as successful as that; none is left behind."""
    if len(runs) > step.attempt:
        yield f"{step.name} started {len(runs)} runs in {step.attempt} attempts"
    if step.status == Status.SUCCESS and not (runs and runs[-1].status == Status.SUCCESS):
        yield f"{step.name} succeeded, and its run did not"
    for run in runs:
        if step.phase == Phase.ENDED and not run.is_over and not run.stop_requested:
            yield f"{step.name} has ended, and its run {run.pk} goes on"


def _status(story: Story) -> Iterator[str]:
    """It ended as its steps did, or as somebody wanted."""
    execution = story.execution
    if not execution.is_over or story.was_given_up:
        return
    if execution.stop_requested:
        completed = execution.stop_requested in {"Complete", "Ending"}
        expected: str = Status.SUCCESS if completed else Status.CANCELLED
    elif execution.mode == "Auto":
        ended = [(step.name, step.status) for step in story.steps]
        expected = flow.final_status(story.runbook, ended)
    else:
        yield "it ended by itself, and somebody was to end it"
        return
    if execution.status != expected:
        yield f"it is {execution.status}, and its steps make it {expected}"


RULES: Final = (
    *(_numbers, _times, _end, _open_steps, _told, _calls, _rest, paths.problems, _stop, _signals),
    *(_passes, _children, kept.problems, _status),
)

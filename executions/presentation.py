"""What pages and streams show of an execution's steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from executions import admission, earlier, library, lifecycle
from executions.models import Execution, StepExecution
from executions.runbook.template import render
from executions.runbook.types import Step, Value
from executions.states import Status

# What a pass is called by what is in it; the first that fits.
TELLING: Final = (
    *(Status.IN_PROGRESS, Status.WAITING, Status.FAILED, Status.TIMED_OUT, Status.CANCELLED),
)


@dataclass(frozen=True, slots=True)
class Pass:
    """The steps of one pass of a loop. Only an open one is shown in full: there may be hundreds."""

    loop: StepExecution
    iteration: int
    rows: Sequence[StepExecution]
    is_open: bool = False
    coming: Sequence[Step] = ()  # those that have not begun, while the pass goes on

    @property
    def id(self) -> str:
        """Of its element on the page."""
        return f"step-{self.loop.number}-pass-{self.iteration}"

    @property
    def value(self) -> str:
        """The item it is for; empty where there are none."""
        if self.rows:
            return self.rows[0].iterator_value
        return render(self.loop.outputs.get("CurrentIteratorValue"))

    @property
    def most(self) -> int | None:
        """How many passes there may be."""
        most: int | None = self.loop.state.get("most")
        return most

    @property
    def status(self) -> str:
        """What its steps came to, as far as they have."""
        found = {row.status for row in self.rows}
        usual = Status.IN_PROGRESS if self.goes_on else Status.SUCCESS
        return next((status for status in TELLING if status in found), usual)

    @property
    def goes_on(self) -> bool:
        """Whether it is the pass that the loop is in."""
        return self.is_open and self.loop.ended_at is None

    @property
    def ended_at(self) -> datetime | None:
        """When its last step ended; None while it goes on."""
        return None if self.goes_on or not self.rows else self.rows[-1].ended_at


@dataclass(frozen=True, slots=True)
class Shown:
    """A step outside of loops, or a loop with its passes."""

    step: StepExecution
    passes: Sequence[Pass] = field(default=())


def show(execution: Execution) -> dict[str, Any]:
    """All that the templates need to know of the steps."""
    rows = list(execution.steps.select_related("kept_from"))
    idle = _is_idle(execution, rows)
    begun = {row.name for row in rows}
    steps = list(library.runbook(execution.version).walk())
    coming = [step for step in steps if not begun & {step.name, step.loop}]
    admission.find_places([execution])
    loop = next((row.name for row in rows if row.phase != StepExecution.Phase.ENDED), None)
    subject = earlier.find_subject(execution) if execution.is_over else None
    return {
        "execution": execution,
        "begun": len(rows),
        "shown": list(_group(rows, steps)),
        "upcoming": coming,
        "idle": idle,
        "can_start": _startable(steps, loop) if idle else frozenset(),
        "subject": subject,  # of running it again
        "begins_at": earlier.plan(subject.pk).begins_at if subject else "",
    }


def parameters(execution: Execution) -> dict[str, Value]:
    """Every parameter with the value that the run uses: given, or the document's default."""
    runbook = library.runbook(execution.version)
    scope = lifecycle.scope(execution, runbook)
    values = {**scope.defaults, **scope.parameters}
    return {name: values[name] for name in runbook.parameters if name in values}


def _group(rows: Sequence[StepExecution], steps: Sequence[Step]) -> Iterator[Shown]:
    for row in rows:
        if row.is_loop:
            inside = [step for step in steps if step.loop == row.name]
            yield Shown(row, _passes(row, [one for one in rows if one.parent_id == row.id], inside))
        elif row.parent_id is None:
            yield Shown(row)


def _passes(
    loop: StepExecution, inner: Sequence[StepExecution], steps: Sequence[Step]
) -> list[Pass]:
    """The passes of a loop, the latest last; that one is open unless all went well.

    Another attempt of the loop repeats passes: its steps stand behind those of the first one.
    """
    grouped: dict[int, list[StepExecution]] = {}
    for row in inner:
        number = row.iteration or 0
        grouped[number] = [*grouped.pop(number, ()), row]
    if loop.ended_at is None and (current := loop.outputs.get("CurrentIteration")):
        grouped[current] = grouped.pop(current, [])
    found = [Pass(loop, number, rows) for number, rows in grouped.items()]
    if found and loop.status != Status.SUCCESS:
        found[-1] = _open(found[-1], steps)
    return found


def _open(last: Pass, steps: Sequence[Step]) -> Pass:
    begun = {row.name for row in last.rows}
    coming = [step for step in steps if step.name not in begun]
    return replace(last, is_open=True, coming=() if last.loop.ended_at else coming)


def _is_idle(execution: Execution, rows: Sequence[StepExecution]) -> bool:
    """Whether an interactive execution waits for a person to run a step."""
    return (
        execution.mode == "Interactive"
        and execution.status == Status.WAITING
        and not execution.stop_requested
        and not any(row.is_running for row in rows)
    )


def _startable(steps: Sequence[Step], loop: str | None) -> frozenset[str]:
    """The steps that a person may run now: those inside the loop that is in a pass, or outside."""
    return frozenset(step.name for step in steps if step.loop == loop)

"""How a run goes from step to step, written a second time: from plain data, and nothing of ours.

AWS, "Properties shared by all actions", "aws:branch", "aws:loop" and "StopAutomationExecution".
It takes what each step came to as given, and says whether the steps may have followed each other
so, and whether the run may have ended so. Loops are not nested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Document: TypeAlias = Mapping[str, Any]
Step: TypeAlias = Mapping[str, Any]

# Where a step leads that leads to no other; no step can be named so.
END: Final = "<end>"
PASS: Final = "<pass>"  # the end of the list that it stands in
FAILURES: Final = ("Failed", "TimedOut")


@dataclass(frozen=True, slots=True)
class Row:
    """A step that began. `loop` is the place of its loop's row among all rows, from 1."""

    name: str
    status: str  # empty while it is open
    loop: int | None = None
    iteration: int | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    kept: bool = field(
        default=False, kw_only=True
    )  # not done: the run that this one runs again did it (again.py)


@dataclass(frozen=True, slots=True)
class Run:
    """A run at rest: its rows in the order in which they began."""

    document: Document
    rows: Sequence[Row]
    status: str = ""  # empty while it waits
    stop: str = ""  # Cancel or Complete, if somebody asked for it


class Wrong(Exception):
    """What no run may do."""


class Cut(Exception):
    """The rows end here, or the open one is this."""


class CutShort(Exception):
    """A loop ended in the middle of a pass: by its own time-out, or by a stop."""


class Stopped(Exception):
    """A step was cancelled; it may name another to clean up."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step


def explain(run: Run) -> str:
    """What is wrong with the run; empty if nothing is."""
    try:
        _Walk(run).whole()
    except Wrong as wrong:
        return str(wrong)
    expected = final_status(run)
    if run.status and run.status != expected:
        return f"it ended as {run.status}, and its steps make it {expected}"
    return ""


def final_status(run: Run) -> str:
    """Cancelled or completed if somebody wanted that; else as the steps that count ended."""
    if run.stop:
        return "Cancelled" if run.stop == "Cancel" else "Success"
    counted = {row.status for row in run.rows if counts(places(run.document)[row.name])}
    return next((status for status in FAILURES if status in counted), "Success")


def counts(step: Step) -> bool:
    """Whether its failure is the run's: it aborts the run, or is critical."""
    on_failure = step.get("onFailure", "Abort")
    critical = step.get("isCritical", on_failure != "Continue")
    return bool(on_failure == "Abort" or critical)


def places(document: Document) -> dict[str, Step]:
    """Every step by its name, those inside loops too."""
    steps = {}
    for step in document["mainSteps"]:
        steps[step["name"]] = step
        steps |= {inner["name"]: inner for inner in _inside(step)}
    return steps


def _inside(step: Step) -> Sequence[Step]:
    found: Sequence[Step] = step["inputs"].get("Steps", ())
    return found


class _Walk:
    """One reading of the rows, from the first to the last."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.taken = 0
        declared = run.document.get("variables", {})
        self.values = {name: variable["default"] for name, variable in declared.items()}

    @property
    def left(self) -> Sequence[Row]:
        """The rows that were not looked at yet."""
        return self.run.rows[self.taken :]

    def whole(self) -> None:
        """From the first step to the end; Wrong if it cannot have been."""
        try:
            self._go(self.run.document["mainSteps"], None, 0)
        except Stopped as stopped:
            self._stop(stopped.step)
        except Cut as cut:
            if self.run.status and not self.run.stop:
                raise Wrong(f"it ended before {cut}") from cut
        else:
            if not self.run.status:
                raise Wrong("its last step has ended, and it has not")
        if self.left:
            raise Wrong(f"{self.left[0].name} began after the end")

    def _go(self, steps: Sequence[Step], loop: Row | None, iteration: int) -> str:
        """A list of steps from its first on; answers with where that leads."""
        place, name = self._place_of(loop) if loop else None, steps[0]["name"]
        named = {step["name"]: step for step in steps}
        while name in named:
            row = self._take(name, loop, place, iteration)
            outside = self._passes(named[name], row) if _inside(named[name]) else ""
            name = outside or self._after(list(named.values()), named[name], row)
        return str(name)

    def _place_of(self, loop: Row) -> int:
        return next(place for place, row in enumerate(self.run.rows, start=1) if row is loop)

    def _take(self, name: str, loop: Row | None, place: int | None, iteration: int) -> Row:
        """The next row, which must be this step's."""
        row = self.left[0] if self.left else None
        fits = row and (row.name, row.loop, row.iteration or 0) == (name, place, iteration)
        if row and fits:
            self.taken += 1
            return row
        if loop and loop.status in ("TimedOut", "Cancelled"):
            raise CutShort
        if row is None:
            raise Cut(name)
        raise Wrong(f"{row.name} (pass {row.iteration}) began where {name} was next")

    def _passes(self, step: Step, loop: Row) -> str:
        """All passes of a loop. Answers with where they lead if one leads out of it."""
        passes = 0
        try:
            while self._goes_on(step, passes):
                passes += 1
                led = self._go(_inside(step), loop, passes)
                if led != PASS:
                    self._check_left(loop, led)
                    return led
        except CutShort:
            return ""
        except Stopped as stopped:
            if loop.status == "TimedOut":
                return ""  # what ran inside ended with it
            self._check_stopped(step, loop, stopped.step)
            raise
        if loop.status in ("Failed", "Exited"):
            raise Wrong(f"the loop {loop.name} is {loop.status}, and no step led out of it")
        return ""

    def _goes_on(self, step: Step, passes: int) -> bool:
        """Whether there is another pass: one for each item, or while the condition holds."""
        inputs = step["inputs"]
        if "Iterators" in inputs:
            return bool(passes < min(len(inputs["Iterators"]), inputs.get("MaxIterations", 100)))
        if passes == 0:
            return True
        return passes < inputs["MaxIterations"] and self._holds(inputs["LoopCondition"])

    def _holds(self, choice: Mapping[str, Any]) -> bool:
        """One condition on a variable or an output: {"Variable": "{{ variable:v }}", ...}."""
        variable = choice["Variable"].strip("{} ").removeprefix("variable:")
        return bool(self.values[variable] == choice["StringEquals"])

    def _check_left(self, loop: Row, led: str) -> None:
        """A loop that is left is Exited; one in which a step aborts the run ends as that step."""
        last = self.run.rows[self.taken - 1]
        step = places(self.run.document)[last.name]
        aborted = last.status in FAILURES and step.get("onFailure", "Abort") == "Abort"
        expected = last.status if led == END and aborted else "Exited"
        stopped = self.run.stop and loop.status == "Cancelled"
        if loop.status != expected and not stopped:
            raise Wrong(f"{last.name} led out of {loop.name}, which is {loop.status}")

    def _check_stopped(self, step: Step, loop: Row, inner: Step) -> None:
        clean_up = inner.get("onCancel", "Abort").removeprefix("step:")
        inside = {one["name"] for one in _inside(step)}
        expected = "Cancelled" if clean_up == "Abort" or clean_up in inside else "Exited"
        if loop.status != expected:
            raise Wrong(f"{inner['name']} was cancelled in {loop.name}, which is {loop.status}")

    def _after(self, steps: Sequence[Step], step: Step, row: Row) -> str:
        """The step after this one, by what it came to."""
        if not row.status:
            raise Cut(row.name)
        if row.status == "Cancelled":
            raise Stopped(step)
        if row.status in FAILURES:
            on_failure = step.get("onFailure", "Abort")
            if on_failure == "Abort":
                return END
            if on_failure != "Continue":
                return str(on_failure.removeprefix("step:"))
        elif led := self._succeed(step, row):
            return led
        if step.get("isEnd"):
            return END
        return str(step.get("nextStep")) if "nextStep" in step else self._follow(steps, step)

    def _follow(self, steps: Sequence[Step], step: Step) -> str:
        names = [one["name"] for one in steps]
        place = names.index(step["name"]) + 1
        if place < len(names):
            return str(names[place])
        return END if steps == self.run.document["mainSteps"] else PASS

    def _succeed(self, step: Step, row: Row) -> str:
        """What a success does by its action: a variable has a value, a branch has chosen."""
        inputs = step["inputs"]
        self.values |= {f"{row.name}.{name}": value for name, value in row.outputs.items()}
        if step["action"] == "aws:updateVariable":
            self.values[inputs["Name"].removeprefix("variable:")] = inputs["Value"]
        if step["action"] != "aws:branch":
            return ""
        chosen = (one["NextStep"] for one in inputs["Choices"] if self._holds(one))
        return str(next(chosen, inputs.get("Default", "")))

    def _stop(self, step: Step) -> None:
        """The one that was cancelled may lead to a step that cleans up, and that to others."""
        if not self.run.stop:
            raise Wrong(f"{step['name']} was cancelled, and nobody asked for that")
        name = step.get("onCancel", "Abort").removeprefix("step:")
        steps = places(self.run.document)
        while self.left and self.run.stop == "Cancel" and name == self.left[0].name:
            row = self.left[0]
            self.taken += 1
            name = steps[name].get("nextStep", "") if row.status == "Success" else ""

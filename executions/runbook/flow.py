"""What comes next after a step, how a run ends, and what it publishes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .graph import walk_choices
from .template import MissingValue, Scope
from .types import Runbook, Step
from .values import to_wire

Status: TypeAlias = Literal["Success", "Failed", "TimedOut", "Cancelled", "Exited"]


@dataclass(frozen=True, slots=True)
class Move:
    """Where a run goes: to a `step`, to the end of the loop's `pass`, or to its `end`.

    `exits` is the loop that is left on the way: Exited if a jump leads out of it.
    """

    kind: Literal["step", "pass", "end"]
    step: str | None = None
    exits: str | None = None


def first_step(runbook: Runbook) -> Step:
    """Where a run begins."""
    return runbook.steps[0]


def next_step(runbook: Runbook, step: Step, status: Status, chosen: str | None = None) -> Move:
    """The move after a step's final outcome; `chosen` is what a branch chose, if anything.

    AWS, "Properties shared by all actions". After a failure `onFailure: step:X` is honoured
    before `isEnd`, and `Continue` goes on as after a success. LookupError if the runbook has no
    step of the name to go to.
    """
    if status in ("Failed", "TimedOut"):
        jump = step.on_failure.removeprefix("step:")
        ends, target = jump == "Abort", None if jump == "Continue" else jump
    else:
        ends, target = status == "Cancelled", chosen
    if ends or (target is None and step.is_end):
        return _end(step)
    target = target or step.next_step
    return _jump(runbook, step, target) if target else _follow(runbook, step)


def cancel_step(runbook: Runbook, step: Step) -> Move:
    """The move when the run is cancelled during `step`: its `onCancel` step, or the end.

    Only that one step runs, for two minutes at most; then the run is Cancelled.
    """
    if step.on_cancel == "Abort":
        return _end(step)
    return _jump(runbook, step, step.on_cancel.removeprefix("step:"))


def _end(step: Step) -> Move:
    return Move("end", exits=step.loop)


def _jump(runbook: Runbook, step: Step, name: str) -> Move:
    target = runbook.find_step(name)
    if target is None:
        raise LookupError(f"Step {step.name} goes to {name}, which the runbook does not have.")
    leaves = step.loop is not None and target.loop != step.loop
    return Move("step", name, step.loop if leaves else None)


def _follow(runbook: Runbook, step: Step) -> Move:
    names = [sibling.name for sibling in runbook.siblings(step)]
    after = names.index(step.name) + 1
    if after < len(names):
        return Move("step", names[after])
    return Move("pass") if step.loop else Move("end")


def valid_next_steps(runbook: Runbook, step: Step) -> list[str]:
    """Names of the steps a success may lead to (`StepExecution.ValidNextSteps`)."""
    names = [jump.target for jump in walk_choices(step)]
    if "Default" not in step.inputs or step.action != "aws:branch":
        move = next_step(runbook, step, "Success")
        names += [move.step] if move.step else []
    return list(dict.fromkeys(names))


def final_status(
    runbook: Runbook, ended: Iterable[tuple[str, str]], *, cancelled: bool = False
) -> Status:
    """The status of a run from its step rows (name, status), every row of a repeated step.

    Cancelled, else Failed, else TimedOut, else Success. A failure counts if the step aborts the
    run or is critical; `onFailure: Continue` makes a step uncritical unless it says otherwise.
    """
    if cancelled:
        return "Cancelled"
    steps = {step.name: step for step in runbook.walk()}
    counted = {status for name, status in ended if _counts(steps.get(name))}
    if "Failed" in counted:
        return "Failed"
    return "TimedOut" if "TimedOut" in counted else "Success"


def _counts(step: Step | None) -> bool:
    return step is None or step.on_failure == "Abort" or step.critical


def document_outputs(runbook: Runbook, scope: Scope) -> dict[str, list[str]]:
    """The run's `Outputs` at its end: each listed `step.Output` or parameter, as strings.

    What no step produced is there too, with a sentence that says so.
    """
    return {listed: _publish(listed, scope) for listed in runbook.outputs}


def _publish(listed: str, scope: Scope) -> list[str]:
    try:
        return to_wire(scope.lookup(listed))
    except MissingValue:
        step = listed.partition(".")[0]
        return [f"No output available yet: step {step} has not produced {listed}."]

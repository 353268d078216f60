"""What an execution that has ended leaves to one that runs it again, and whether one may.

What it is known to have done, and what may do harm a second time, is kept and not done again
(executions/kept.py). Everything else runs: what only reads looks at the state anew, branches
choose anew, and whoever has to approve or to resume is asked anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from executions import aws, library
from executions.errors import Conflict
from executions.models import Execution, StepExecution
from executions.runbook import flow
from executions.runbook.types import Runbook, Step
from executions.states import Status

ENDED_BADLY: Final = frozenset({Status.FAILED, Status.TIMED_OUT, Status.CANCELLED})
# They change nothing. What they found, chose or were told may be another thing now.
ANEW: Final = frozenset(
    {
        "aws:approve",
        "aws:assertAwsResourceProperty",
        "aws:branch",
        "aws:loop",
        "aws:pause",
        "aws:updateVariable",
        "aws:waitForAwsResourceProperty",
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to keep of an execution that has ended, in the order in which it was done.

    `undone` is the step from which on everything runs; None if the run ended between two steps.
    The steps `afterwards` did more after that one, such as to clean up.
    """

    kept: tuple[StepExecution, ...]
    anew: tuple[StepExecution, ...]  # what was done between those, and is done again
    undone: StepExecution | None
    afterwards: tuple[str, ...]

    @property
    def begins_at(self) -> str:
        """The name of the step from which on everything runs, if that is known."""
        return self.undone.name if self.undone else ""

    @property
    def facts(self) -> dict[str, Any]:
        """The same as JSON, for those who approve it; of passes of a loop the names once."""
        return {
            "begins_at": self.begins_at,
            "because": self.undone.failure_message if self.undone else "",
            "kept": [_describe(row) for row in self.kept],
            "anew": list(dict.fromkeys(row.name for row in self.anew)),
            "afterwards": list(dict.fromkeys(self.afterwards)),
        }


@lru_cache(maxsize=4)
def plan(execution_id: UUID) -> Plan:
    """What a run keeps of this one, which has ended: so it is read once in a process."""
    execution = Execution.objects.select_related("version").get(pk=execution_id)
    runbook = library.runbook(execution.version)
    rows = in_order(execution.steps.select_related("kept_from"))
    done = next((place for place, row in enumerate(rows) if _breaks_off(runbook, row)), len(rows))
    return Plan(
        kept=tuple(row for row in rows[:done] if _acts(runbook, row)),
        anew=tuple(row for row in rows[:done] if not (row.is_loop or _acts(runbook, row))),
        undone=rows[done] if done < len(rows) else None,
        afterwards=tuple(row.name for row in rows[done + 1 :] if _acts(runbook, row)),
    )


def in_order(rows: Iterable[StepExecution]) -> list[StepExecution]:
    """The rows of a run as they ended: a loop began before the steps inside it, and ends last."""
    known = list(rows)
    last = {row.parent_id: row.number for row in known if row.parent_id}
    return sorted(known, key=lambda row: (last.get(row.pk, row.number), row.is_loop))


def find_subject(execution: Execution) -> Execution | None:
    """The run to offer on the page of an execution: itself, or the one that it was to run again.

    None if there is nothing to run again now.
    """
    while execution.redrive_of and execution.status in ENDED_BADLY and not has_acted(execution):
        execution = execution.redrive_of
    return None if _why_not(execution) else execution


def check(execution: Execution) -> None:
    """Raise Conflict, with words for people, if the execution cannot be run again now."""
    if reason := _why_not(execution):
        raise Conflict(reason, code="InvalidAutomationStatusUpdateException")


def hold(execution: Execution) -> None:
    """Before an execution is inserted: check the one that it runs again, if it does.

    No other can do so before the transaction ends.
    """
    if execution.redrive_of_id is None:
        return
    held = Execution.objects.select_for_update(no_key=True, of=("self",))
    check(held.select_related("version").get(pk=execution.redrive_of_id))


def has_acted(execution: Execution) -> bool:
    """Whether a step of its own, and not only of the run before it, may have changed something."""
    runbook = library.runbook(execution.version)
    return any(_acts(runbook, row) for row in execution.steps.filter(kept_from=None))


def ends_keeping(runbook: Runbook, row: StepExecution) -> bool:
    """Whether nothing is kept after this row of a run: the run did something itself, or failed.

    What the earlier run did next may not be what the document wants after that.
    """
    if row.kept_from_id:
        return False
    return _acts(runbook, row) or _has_failed(runbook, row)


def changes(step: Step | None) -> bool:
    """Whether a step may change something, or waits for a time: then it is not done twice.

    A step that the document does not have, or whose call is not known, counts as one that does.
    """
    if step is None or step.action != "aws:executeAwsApi":
        return step is None or step.action not in ANEW
    try:
        target = aws.operation(str(step.inputs.get("Service")), str(step.inputs.get("Api")))
    except aws.AwsRefused:
        return True
    return target.effect is not aws.Effect.READ


def _acts(runbook: Runbook, row: StepExecution) -> bool:
    return changes(runbook.find_step(row.name))


def _has_failed(runbook: Runbook, row: StepExecution) -> bool:
    """Whether the run failed by this row or was cancelled at it, whatever ran after that."""
    ended = flow.final_status(runbook, [(row.name, row.status)])
    return ended != "Success" or row.status == Status.CANCELLED


def _breaks_off(runbook: Runbook, row: StepExecution) -> bool:
    """Whether nothing is kept of an earlier run from this row on."""
    undone = row.status != Status.SUCCESS and _acts(runbook, row)
    return undone or _has_failed(runbook, row)


def _describe(row: StepExecution) -> Mapping[str, Any]:
    done = row.kept_from or row
    return {
        "name": row.name,
        "action": row.action,
        "pass": row.iteration,
        "execution": str(done.execution_id),
        "inputs": row.inputs,
        "outputs": row.outputs,
    }


def _why_not(execution: Execution) -> str:
    """Why it cannot be run again; empty if it can."""
    if execution.parent_step:
        step, parent = execution.parent_step.name, execution.parent_id
        return f"Step {step} of execution {parent} started this one. Run that execution again."
    if execution.mode != "Auto":
        return (
            "In an interactive execution a person runs each step. Start another one, and run only"
            " the steps that are still wanted."
        )
    if not execution.is_over:
        return "It has not ended. Only what failed, timed out or was cancelled is run again."
    if execution.status not in ENDED_BADLY:
        return "It ended well, so no step failed from which to run it again. Start it anew instead."
    if execution.redrive_of and not has_acted(execution):
        return (
            "It ended before it did anything beyond what it kept of execution"
            f" {execution.redrive_of_id}. Run that one again."
        )
    return _why_not_twice(execution)


def _find_active_below(execution: Execution) -> Execution | None:
    """A run that its steps, or those of such runs, have started and that still cleans up."""
    level = Execution.objects.filter(parent=execution)
    while level.exists():
        if active := level.active().first():
            return active
        level = Execution.objects.filter(parent__in=level)
    return None


def _why_not_twice(execution: Execution) -> str:
    """Of a run and what goes on from it one is active at a time: no step is done by two of them."""
    if below := _find_active_below(execution):
        return f"Execution {below.pk}, which a step of it or below it started, has not ended."
    for later in execution.redrives.select_related("version"):
        if not later.is_over:
            return f"Execution {later.pk} is running it again at this moment."
        if later.status not in ENDED_BADLY:
            return f"Execution {later.pk} has run it again, and ended well."
        if has_acted(later):
            return f"Execution {later.pk} went on from here. Run that one again."
    return ""

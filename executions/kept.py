"""Steps that a run keeps of the one that it runs again, and whether rows tell of them truly.

A step is kept as long as the new run does what the earlier one did: the same step, in the same
pass of its loop, in the same order, on the same inputs. The first that differs is done, and from
then on everything is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from executions import earlier
from executions.actions import registry
from executions.models import Execution, StepExecution
from executions.runbook import template
from executions.runbook.convert import read_maps
from executions.runbook.types import Step, Value
from executions.states import Status
from executions.turn import Turn

if TYPE_CHECKING:
    from executions.history import Story

# Stands where a date is, which is never the same; for private use, so no text of people's has it.
SOME_DATE: Final = "\ue000"
DATE_OF_THEN: Final = r"\d{4}-\d\d-\d\d(?:_\d\d\.\d\d\.\d\d)?"


def take_over(turn: Turn, row: StepExecution) -> bool:
    """Let a step that begins be one that an earlier run did. False if it has to be done.

    The row is a success then, with the inputs and outputs of that time, and no call is made.
    """
    run_again = turn.execution.redrive_of_id
    if run_again is None or turn.execution.stop_requested:
        return False
    step = turn.runbook.find_step(row.name)
    if step is None or not earlier.changes(step):
        return False
    before = _find(turn, row, run_again)
    if before is None or not _is_same(turn, row, step, before):
        return False
    row.inputs, row.outputs = dict(before.inputs), dict(before.outputs)
    row.chosen = before.chosen
    row.status, row.kept_from = Status.SUCCESS, before.kept_from or before
    turn.event("step:kept", row, execution=str(row.kept_from.execution_id))
    return True


def _find(turn: Turn, row: StepExecution, run_again: UUID) -> StepExecution | None:
    """The row of this step in the earlier run, after the one that was kept last."""
    others = [one for one in turn.rows if one is not row]
    if any(earlier.ends_keeping(turn.runbook, one) for one in others):
        return None
    fitting = (
        one
        for one in _rest(earlier.plan(run_again).kept, others)
        if (one.name, one.iteration) == (row.name, row.iteration)
    )
    return next(fitting, None)


def _rest(
    kept: Sequence[StepExecution], others: Sequence[StepExecution]
) -> Sequence[StepExecution]:
    """What of the earlier run comes after all that this one has kept."""
    last = next((one.kept_from_id for one in reversed(others) if one.kept_from_id), None)
    done = [one.kept_from_id or one.pk for one in kept]
    return kept if last is None else kept[done.index(last) + 1 :]


def _is_same(turn: Turn, row: StepExecution, step: Step, before: StepExecution) -> bool:
    """Whether the step would now be done on the inputs that it was done on, but for dates."""
    action = registry.get(row.action)
    if action is None:
        return False
    scope = turn.scope()
    undated = replace(scope, system={**scope.system, **dict.fromkeys(template.DATES, SOME_DATE)})
    wanted = {name: value for name, value in step.inputs.items() if name not in action.as_written}
    try:
        now = read_maps(template.resolve_inputs(wanted, undated), action.spec.types)
    except template.MissingValue:
        return False
    return all(_fits(value, before.inputs.get(name)) for name, value in now.items())


def _fits(now: Value, then: Value) -> bool:
    """Whether an input is as it was, as the database has it, whatever the dates in it."""
    text = json.dumps(now, sort_keys=True, ensure_ascii=False)
    if SOME_DATE not in text:
        return bool(json.loads(text) == then)
    pattern = re.escape(text).replace(SOME_DATE, DATE_OF_THEN)
    return bool(re.fullmatch(pattern, json.dumps(then, sort_keys=True, ensure_ascii=False)))


def problems(story: Story) -> Iterator[str]:
    """What was kept was done, by a run that is run again, and before all that is done anew."""
    execution = story.execution
    if execution.redrive_of_id is None and not any(step.kept_from_id for step in story.steps):
        return
    runs = _runs_before(execution)
    if execution.redrive_of and not execution.redrive_of.is_over:
        yield f"it runs execution {execution.redrive_of_id} again, which has not ended"
    if execution.origin_id != (runs[-1].pk if runs else None):
        yield f"it does not know that execution {runs[-1].pk if runs else 'none'} was the first"
    anew = None
    for step in earlier.in_order(story.steps):
        if step.kept_from_id:
            yield from _of_kept(story, step, runs)
            if anew:
                yield f"{step.name} is kept, although {anew.name} was done before it"
        elif anew is None and earlier.ends_keeping(story.runbook, step):
            anew = step


def _runs_before(execution: Execution) -> list[Execution]:
    """The runs that it runs again, the first one last."""
    found: list[Execution] = []
    before = execution.redrive_of
    while before is not None and before not in found:
        found.append(before)
        before = before.redrive_of
    return found


def _of_kept(story: Story, step: StepExecution, runs: Sequence[Execution]) -> Iterator[str]:
    done = step.kept_from or step
    if all(done.execution_id != run.pk for run in runs) or done.kept_from_id:
        yield f"{step.name} is kept from a run that it does not run again"
    if step.call is not None:
        yield f"{step.name} is kept, and made a call"
    said = [(row.name, row.iteration, row.status, row.inputs, row.outputs) for row in (step, done)]
    if said[0] != said[1] or step.status != Status.SUCCESS:
        yield f"{step.name} is kept, and is not what was done"
    if not earlier.changes(story.runbook.find_step(step.name)):
        yield f"{step.name} is kept, and was to be done anew"

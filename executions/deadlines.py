"""Whose time is over, and when."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from executions import clock
from executions.actions.base import BadInput
from executions.models import Execution, StepExecution
from executions.runbook import template
from executions.states import NEVER
from executions.turn import Phase, Turn

SECONDS: Final = re.compile(r"[1-9][0-9]{0,8}")  # 31 years at most


def out_of_time(execution: Execution) -> bool:
    """Whether the time for onCancel steps is over."""
    return execution.stop_deadline is not None and clock.now() >= execution.stop_deadline


def find(turn: Turn, row: StepExecution) -> datetime | None:
    """When the attempt times out: timeoutSeconds, else the action's default.

    It never outlasts the loop around it; an onCancel step has what is left of its two minutes.
    """
    written = turn.definition(row).timeout_seconds
    limit = turn.action(row).timeout
    if written is not None:
        limit = _read_timeout(written, turn.scope())
    ends_at = [clock.now() + limit] if limit is not None else []
    loop = turn.loop_around(row.name)
    if loop is not None and loop.phase != Phase.ENDED and loop.deadline_at:
        ends_at.append(loop.deadline_at)
    if turn.execution.stop_deadline:
        ends_at.append(turn.execution.stop_deadline)
    return min(ends_at, default=None)


def _read_timeout(written: int | str, scope: template.Scope) -> timedelta:
    try:
        seconds = str(template.resolve(written, scope))
    except template.MissingValue as missing:
        raise BadInput(f"timeoutSeconds: {missing}") from missing
    if not SECONDS.fullmatch(seconds):
        raise BadInput(f"timeoutSeconds must be a number of seconds from 1, not {seconds!r}.")
    return timedelta(seconds=int(seconds))


def is_over(row: StepExecution) -> bool:
    """Whether the attempt's time is over."""
    return row.deadline_at is not None and clock.now() >= row.deadline_at


def asks_first(row: StepExecution) -> bool:
    """Whether the answer of a call is lost: what it was matters more than the time."""
    return row.phase == Phase.UNKNOWN or (
        row.phase == Phase.CALL and row.call is not None and row.call["answer"] == "lost"
    )


def next_look(row: StepExecution) -> datetime:
    """When to look at a step again: when it is due, or its time is over."""
    return min(row.due_at, row.deadline_at or NEVER)

"""Faults to plant in a worker, each of which the sweep must see."""

from __future__ import annotations

import uuid
from typing import Any

from executions import admission, calls, earlier, kept, store
from executions.models import Execution, StepExecution
from executions.turn import Turn


def forget_intents() -> None:
    """Calls are made before anything is committed."""
    write = store.write

    def write_all_but_intents(lease: store.Lease, change: store.Change) -> str:
        if any(event.kind == "step:call" for event in change.events):
            row = Execution.objects.get(pk=lease.execution_id)
            return row.stop_requested
        return write(lease, change)

    store.write = write_all_but_intents


def take_a_new_token() -> None:
    """A call that is sent again has a token that AWS does not know."""
    resend = calls.resend

    def resend_anew(turn: Turn, row: StepExecution) -> Any:
        call = dict(row.call or {})
        request = {**call["request"], "ClientToken": str(uuid.uuid4())}
        row.call = {**call, "request": request, "sha256": calls.fingerprint(request)}
        return resend(turn, row)

    calls.resend = resend_anew


def write_without_a_fence() -> None:
    """An outcome is written whoever holds the lease."""
    setattr(store, "MINE", "id = %s AND %s >= 0 AND %s <> ''")  # noqa: B010 - Final


def forget_the_queue() -> None:
    """No clock gives away the slots that a dead worker has freed."""
    admission.refill_all = lambda: 0


def keep_nothing() -> None:
    """A run that runs another one again does everything again."""
    kept.take_over = lambda turn, row: False


def keep_approvals() -> None:
    """Who approved the run that failed has approved the next one too."""
    setattr(earlier, "ANEW", earlier.ANEW - {"aws:approve"})  # noqa: B010 - Final

"""What there is at a moment, in an order that is the same whenever the story is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from approvals.models import ApprovalRequest
from executions.models import Execution, Signal, StepExecution, rows
from tests.model.again import BADLY


@dataclass(frozen=True, slots=True)
class Scene:
    """All executions and requests, the steps that are open, and the signals not yet heard."""

    executions: list[Execution]
    steps: list[StepExecution]
    requests: list[ApprovalRequest]
    signals: list[Signal]

    @property
    def active(self) -> list[Execution]:
        """Those that have not ended."""
        return [execution for execution in self.executions if not execution.is_over]

    @property
    def roots(self) -> list[Execution]:
        """Those that a person has started."""
        return [execution for execution in self.executions if execution.parent_id is None]

    @property
    def started(self) -> list[Execution]:
        """Those of them that run no other one again."""
        return [execution for execution in self.roots if not execution.redrive_of_id]

    @property
    def failed(self) -> list[Execution]:
        """Those that a person may want to run again."""
        return [execution for execution in self.roots if execution.status in BADLY]

    @property
    def again(self) -> list[Execution]:
        """Those that run another one again."""
        return [execution for execution in self.executions if execution.redrive_of_id]

    @property
    def pending(self) -> list[ApprovalRequest]:
        """Requests that nothing has ended."""
        return [request for request in self.requests if request.status == "Pending"]

    @property
    def unknown(self) -> list[StepExecution]:
        """Steps that ask a person."""
        return [step for step in self.steps if step.phase == StepExecution.Phase.UNKNOWN]


def scene() -> Scene:
    """Read without the ORM's planning: it is done after all that happens."""
    return Scene(
        rows.read(Execution, "1 = 1 ORDER BY created_at, document_name"),
        rows.read(StepExecution, "ended_at IS NULL ORDER BY started_at, name"),
        rows.read(ApprovalRequest, "1 = 1 ORDER BY created_at"),
        rows.read(Signal, "consumed_at IS NULL ORDER BY id"),
    )


def pick(things: Iterable[Any], which: int) -> Any:
    known = list(things)
    return known[which % len(known)]


def written() -> list[Any]:
    """All that a worker may write."""
    told: list[Any] = []
    with connection.cursor() as cursor:
        for table in ("execution", "stepexecution", "event"):
            cursor.execute(f"SELECT * FROM executions_{table} ORDER BY id")  # noqa: S608 - ours
            told += cursor.fetchall()
    return told

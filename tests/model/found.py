"""What there is at a moment, in an order that is the same whenever the story is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

from approvals.models import ApprovalRequest
from executions.models import Execution, StepExecution
from executions.states import ACTIVE


def pick(things: Iterable[Any], which: int) -> Any:
    known = list(things)
    return known[which % len(known)]


def active() -> list[Execution]:
    return list(Execution.objects.filter(status__in=ACTIVE).order_by("created_at", "document_name"))


def requests() -> list[ApprovalRequest]:
    return list(ApprovalRequest.objects.filter(status="Pending").order_by("created_at"))


def unknown() -> list[StepExecution]:
    waiting = StepExecution.objects.filter(phase=StepExecution.Phase.UNKNOWN)
    return list(waiting.select_related("execution").order_by("started_at", "name"))


def rows() -> list[Any]:
    """All that a worker may write."""
    told: list[Any] = []
    with connection.cursor() as cursor:
        for table in ("execution", "stepexecution", "event"):
            cursor.execute(f"SELECT * FROM executions_{table} ORDER BY id")  # noqa: S608 - ours
            told += cursor.fetchall()
    return told

"""Statuses, the moves allowed between them, and what is final.

    Pending ──► InProgress ◄──► Waiting
                    │              │
                    ├──────────────┴──► Success | Failed | TimedOut
                    └─► Cancelling ───► Cancelled

A move is one conditional UPDATE from `sources(to)`; an illegal one changes no row.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db.models import TextChoices

# Far in the future instead of NULL: LEAST and comparisons treat NULL differently on SQLite
# and PostgreSQL, and a row that nobody has to look at sorts behind all that somebody does.
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Status(TextChoices):
    """SSM's own words (StepExecution$StepStatus, AutomationExecutionStatus)."""

    PENDING = "Pending", "Pending"
    IN_PROGRESS = "InProgress", "In progress"
    WAITING = "Waiting", "Waiting"
    SUCCESS = "Success", "Success"
    TIMED_OUT = "TimedOut", "Timed out"
    CANCELLING = "Cancelling", "Cancelling"
    CANCELLED = "Cancelled", "Cancelled"
    FAILED = "Failed", "Failed"
    EXITED = "Exited", "Exited"


class Slot(TextChoices):
    """What a run that another has not started holds until it ends (executions/admission.py)."""

    QUEUED = "queued"  # a place in the queue
    RUNNING = "running"
    BLOCKED = "blocked"  # it rests in a step that waits for a time or a person


TERMINAL: Final = frozenset(
    {Status.SUCCESS, Status.TIMED_OUT, Status.CANCELLED, Status.FAILED, Status.EXITED}
)
ACTIVE: Final = frozenset(set(Status) - TERMINAL)

MOVES: Final[dict[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.IN_PROGRESS, Status.WAITING, Status.CANCELLING, *TERMINAL}),
    Status.IN_PROGRESS: frozenset({Status.WAITING, Status.CANCELLING, *TERMINAL}),
    Status.WAITING: frozenset({Status.IN_PROGRESS, Status.CANCELLING, *TERMINAL}),
    Status.CANCELLING: frozenset({Status.CANCELLED, Status.FAILED}),
    **{status: frozenset() for status in TERMINAL},
}


def sources(to: Status) -> frozenset[Status]:
    """The statuses that may move to `to`."""
    return frozenset(status for status, targets in MOVES.items() if to in targets)

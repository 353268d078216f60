"""When to look again, never in step with others."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import uniform
from typing import Final

from django.conf import settings

from executions import clock
from executions.models import StepExecution

FAST_POLLS: Final = timedelta(minutes=1)
SLOW_POLL: Final = 3  # times the fast one


def next_poll(row: StepExecution) -> datetime:
    """When to look again: often in the first minute, then less so, never in step with others."""
    now = clock.now()
    pace: timedelta = settings.POLL_FAST
    if now - row.started_at > FAST_POLLS:
        pace *= SLOW_POLL
    return now + pace * uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret


def soon() -> datetime:
    """When to try again after a refusal that will pass."""
    delay: timedelta = settings.RETRY_DELAY
    return clock.now() + delay * uniform(0.7, 1.7)  # noqa: S311 - jitter, no secret

"""aws:pause: wait until somebody resumes the run."""

from __future__ import annotations

from datetime import timedelta

from executions.actions.base import (
    FOREVER,
    BaseAction,
    Done,
    Outcome,
    StepContext,
    Wait,
    action,
)
from executions.runbook.types import ActionSpec


@action
class Pause(BaseAction):
    """AWS, "aws:pause - Pause an automation". It has no inputs.

    Published runbooks give it a Message to whoever is to resume, all the same.
    """

    spec = ActionSpec(
        name="aws:pause",
        optional=frozenset({"Message"}),
        types={"Message": "String"},
        can_be_cancel_target=False,
    )
    timeout: timedelta | None = None

    def begin(self, ctx: StepContext) -> Outcome:
        """Wait, however long: only a Resume signal for this step ends it, or its time-out."""
        if ctx.signal == "Resume":
            return Done()
        return Wait(ctx.deadline or FOREVER, paused=True)

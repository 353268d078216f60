"""aws:waitForAwsResourceProperty: ask until a property of a resource has a desired value."""

from __future__ import annotations

from executions.actions._calls import describe_refusal, is_final, name_call, refused
from executions.actions._properties import look, property_spec
from executions.actions.base import (
    BaseAction,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepTimedOut,
    Wait,
    action,
)


@action
class WaitForAwsResourceProperty(BaseAction):
    """AWS, "aws:waitForAwsResourceProperty - Wait on an AWS resource property"."""

    spec = property_spec("aws:waitForAwsResourceProperty")

    def begin(self, ctx: StepContext) -> Outcome:
        """Ask now and at each poll. What was seen last is kept for the page and the time-out."""
        try:
            finding = look(ctx)
        except CallFailed as error:
            if is_final(error):
                raise refused(*name_call(ctx), error) from error
            return Wait(ctx.poll(), {"Seen": describe_refusal(*name_call(ctx), error)})
        return Done() if finding.holds else Wait(ctx.poll(), {"Seen": finding.words})

    def stopped(self, ctx: StepContext, why: str) -> Outcome | None:
        """A time-out says what was seen last."""
        if why == "timeout" and "Seen" in ctx.state:
            raise StepTimedOut(f"The wait ran out of its time. Seen last: {ctx.state['Seen']}.")
        return None

"""aws:assertAwsResourceProperty: fail unless a property of a resource has a desired value."""

from __future__ import annotations

from executions.actions._calls import name_call, refused
from executions.actions._properties import look, property_spec
from executions.actions.base import (
    BaseAction,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    action,
)


@action
class AssertAwsResourceProperty(BaseAction):
    """AWS, "aws:assertAwsResourceProperty - Assert an AWS resource state or event state"."""

    spec = property_spec("aws:assertAwsResourceProperty")

    def begin(self, ctx: StepContext) -> Outcome:
        """Ask once; success if one desired value matches."""
        try:
            finding = look(ctx)
        except CallFailed as error:
            raise refused(*name_call(ctx), error) from error
        if not finding.holds:
            raise StepFailed(
                f"The assertion does not hold: {finding.words}.",
                stage="PostVerification",
                kind="Verification",
            )
        return Done()

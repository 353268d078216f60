"""aws:executeAwsApi: call any API operation of AWS once."""

from __future__ import annotations

from datetime import timedelta

from executions.actions._calls import NAMES, build_request, name_call
from executions.actions.base import BaseAction, Call, Outcome, StepContext, action
from executions.runbook.types import ActionSpec


@action
class ExecuteAwsApi(BaseAction):
    """AWS, "aws:executeAwsApi - Call and run AWS API operations"."""

    spec = ActionSpec(
        name="aws:executeAwsApi",
        required=NAMES,
        optional=None,
        types=dict.fromkeys(NAMES, "String"),
    )
    timeout: timedelta | None = timedelta(seconds=25)

    def begin(self, ctx: StepContext) -> Outcome:
        """One call, one page; every other input is a member of the request, unchanged."""
        service, operation = name_call(ctx)
        return Call(service, operation, build_request(ctx))

"""aws:branch: choose the next step by conditions."""

from __future__ import annotations

from datetime import timedelta

from executions.actions.base import BadInput, BaseAction, Done, Outcome, StepContext, action
from executions.runbook.choices import BadCondition, choose
from executions.runbook.types import ActionSpec


@action
class Branch(BaseAction):
    """AWS, "aws:branch - Run conditional automation steps"."""

    spec = ActionSpec(
        name="aws:branch",
        required=frozenset({"Choices"}),
        optional=frozenset({"Default"}),
        types={"Choices": "MapList", "Default": "String"},
    )
    timeout: timedelta | None = None
    lazy_inputs = True

    def begin(self, ctx: StepContext) -> Outcome:
        """The first true choice, else Default, else the step falls through.

        Reads the inputs as written: a reference without a value makes its comparison false.
        """
        try:
            return Done(next_step=choose(ctx.step.inputs, ctx.scope))
        except BadCondition as error:
            raise BadInput(str(error)) from error

"""aws:invokeWebhook: post to a webhook that an administrator has integrated."""

from __future__ import annotations

import re
from typing import Any, Final

from executions.actions._requests import need_text, typed_spec
from executions.actions.base import (
    WEBHOOK,
    BadInput,
    BaseAction,
    Call,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    Unknown,
    action,
)
from executions.runbook.types import Value

NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
OUTPUTS: Final = {"Response": "String", "ResponseCode": "Integer"}


@action
class InvokeWebhook(BaseAction):
    """AWS, "aws:invokeWebhook - Invoke an Automation webhook integration".

    The call names the integration only. Its address and headers may be secret: the engine reads
    them when it posts, and keeps them nowhere.
    """

    spec = typed_spec(
        "aws:invokeWebhook",
        {"IntegrationName": "String"},
        {"Body": ""},  # text, or a value that is posted as JSON
        outputs=OUTPUTS,
    )

    def begin(self, ctx: StepContext) -> Outcome:
        """One request. The receiver can tell a repetition by its Idempotency-Key."""
        name = need_text(ctx, "IntegrationName")
        if not NAME.fullmatch(name):
            raise BadInput(
                f"IntegrationName {name!r} has other characters than letters, digits, dots, "
                "hyphens and underscores."
            )
        request: dict[str, Value] = {"IntegrationName": name, "IdempotencyKey": ctx.token}
        if ctx.inputs.get("Body") not in (None, ""):
            request["Body"] = ctx.inputs["Body"]
        return Call(*WEBHOOK, request)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """Success is a status from 200 to 299; redirects are not followed."""
        outputs = {name: response[name] for name in OUTPUTS}
        if 200 <= outputs["ResponseCode"] <= 299:
            return Done(outputs, response=outputs)
        raise StepFailed(
            f"Webhook {ctx.text('IntegrationName')} answered {outputs['ResponseCode']}: "
            f"{outputs['Response'][:500]}",
            outputs=outputs,
        )

    def recover(self, ctx: StepContext) -> Outcome:
        """Only the receiver knows."""
        return Unknown(
            f"The answer of webhook {ctx.text('IntegrationName')} was lost. Whether it has acted "
            "on the request only its receiver knows.",
            {"IdempotencyKey": ctx.token},
        )

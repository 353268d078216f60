"""aws:executeAutomation: run another runbook, and wait for its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from executions.actions._requests import need_text, typed_spec
from executions.actions.base import (
    BadInput,
    BaseAction,
    Child,
    ChildRun,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    Wait,
    action,
    type_word,
)
from executions.runbook.types import Value
from executions.runbook.values import to_wire

MOST_TAGS: Final = 5
LOOK: Final = timedelta(minutes=1)  # the end of the other run is told; this is in case it was not
NOT_YET: Final = (
    *("Targets", "TargetParameterName", "TargetMaps", "MaxConcurrency", "MaxErrors"),
    "TargetLocations",
)


@action
class ExecuteAutomation(BaseAction):
    """AWS, "aws:executeAutomation - Run another automation"."""

    spec = typed_spec(
        "aws:executeAutomation",
        {"DocumentName": "String"},
        {
            "DocumentVersion": "String",
            "RuntimeParameters": "StringMap",
            "Tags": "MapList",
            "Targets": "MapList",
            "TargetParameterName": "String",
            "TargetMaps": "MapList",
            "MaxConcurrency": "String",
            "MaxErrors": "String",
            "TargetLocations": "MapList",
        },
        outputs={"Output": "StringList", "ExecutionId": "String", "Status": "String"},
    )
    timeout: timedelta | None = None

    def begin(self, ctx: StepContext) -> Outcome:
        """Start the other run, as whoever started this one."""
        for name in NOT_YET:
            if ctx.inputs.get(name) not in (None, "", []):
                raise BadInput(
                    f"Countersign does not run a runbook on many targets yet, so {name} cannot be"
                    " used. Name the resources in RuntimeParameters."
                )
        return Child(
            document=need_text(ctx, "DocumentName"),
            version=ctx.text("DocumentVersion").strip(),
            parameters=_read_parameters(ctx),
            until=ctx.now + LOOK,
            tags=_read_tags(ctx),
        )

    def resume(self, ctx: StepContext) -> Outcome:
        """It has ended, or not yet."""
        run = ctx.child()
        if run is None:
            return self.begin(ctx)
        if not run.is_over:
            return Wait(ctx.now + LOOK, outputs={"ExecutionId": run.execution_id})
        return _outcome(run)

    def stopped(self, ctx: StepContext, why: str) -> Outcome | None:
        """A run that succeeded first overrules a time-out; the engine cancels one that goes on."""
        run = ctx.child()
        return _outcome(run) if why == "timeout" and run and run.status == "Success" else None


def _outcome(run: ChildRun) -> Done:
    outputs: dict[str, Value] = {
        "ExecutionId": run.execution_id,
        "Status": run.status,
        "Output": list(run.outputs),
    }
    if run.status == "Success":
        return Done(outputs=outputs)
    reason = f": {run.message}" if run.message else "."
    raise StepFailed(
        f"The execution {run.execution_id} of {run.document} ended as {run.status}{reason}",
        stage="PostVerification",
        kind="Verification",
        outputs=outputs,
    )


def _read_parameters(ctx: StepContext) -> dict[str, list[str]]:
    """RuntimeParameters as on the wire: whatever is no list becomes a list of one text."""
    given = ctx.inputs.get("RuntimeParameters") or {}
    if not isinstance(given, dict):
        raise BadInput(f"RuntimeParameters must be a map, not {type_word(given)}.")
    return {str(name): to_wire(value) for name, value in given.items()}


def _read_tags(ctx: StepContext) -> dict[str, str]:
    given = ctx.inputs.get("Tags") or []
    if not isinstance(given, list) or not all(isinstance(tag, dict) for tag in given):
        raise BadInput("Tags must be a list of maps, each with Key and Value.")
    if len(given) > MOST_TAGS:
        raise BadInput(f"Tags has {len(given)} tags; an execution is started with {MOST_TAGS}.")
    for tag in given:
        if not isinstance(tag.get("Key"), str) or not isinstance(tag.get("Value", ""), str):
            raise BadInput("Each of Tags needs a Key and a Value, both text.")
    return {tag["Key"]: tag.get("Value", "") for tag in given}

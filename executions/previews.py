"""Execution previews: how many steps of a runbook would change something, before it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from executions import aws, library, lifecycle, targets
from executions.errors import NotAllowed, NotFound
from executions.events import asked
from executions.models import Execution, ExecutionPreview
from executions.runbook import template
from executions.runbook.types import Runbook, Step

if TYPE_CHECKING:
    from console.iam.models import User

QUIET: Final = frozenset(
    {
        "aws:approve",
        "aws:assertAwsResourceProperty",
        "aws:branch",
        "aws:loop",
        "aws:pause",
        "aws:sleep",
        "aws:updateVariable",
        "aws:waitForAwsResourceProperty",
    }
)
# What these do is known only to the script, the command, or the runbook that they run.
OPAQUE: Final = frozenset(
    {
        "aws:executeAutomation",
        "aws:executeScript",
        "aws:executeStateMachine",
        "aws:invokeLambdaFunction",
        "aws:invokeWebhook",
        "aws:runCommand",
    }
)


def start(request: lifecycle.Start, *, by: User) -> ExecutionPreview:
    """Judge every step of a run that the person could start; nothing is started."""
    arn = request.version.document.arn(request.region)
    with asked(by, "ssm:StartExecutionPreview", arn) as entry:
        execution = lifecycle.preview(request, by=by)
        runbook = library.runbook(request.version)
        scope = lifecycle.scope(execution, runbook)
        impacts = Counter(_impact(step, scope) for step in runbook.walk())
        preview = ExecutionPreview.objects.create(
            principal=execution.executed_by,
            region=request.region,
            steps=dict(impacts),
            targets=_targets(execution, runbook),
        )
        entry.data = {"preview": str(preview.id)}
        return preview


def find(preview_id: str, *, region: str, by: User) -> ExecutionPreview:
    """A preview of one's own."""
    arn = by.principal.arn if by.principal else ""
    if not by.has_perm("ssm:GetExecutionPreview", "*"):
        raise NotAllowed("You may not do ssm:GetExecutionPreview.")
    found = ExecutionPreview.objects.filter(
        pk=UUID(preview_id), principal=arn, region=region
    ).first()
    if found is None:
        raise NotFound(f"There is no preview {preview_id} of yours.")
    return found


def _impact(step: Step, scope: template.Scope) -> str:
    """Mutating, NonMutating, or Undetermined."""
    if step.action in QUIET:
        return "NonMutating"
    if step.action != "aws:executeAwsApi":
        return "Undetermined" if step.action in OPAQUE else "Mutating"
    try:
        inputs: Mapping[str, Any] = template.resolve_inputs(
            {name: step.inputs.get(name, "") for name in ("Service", "Api")}, scope
        )
        target = aws.operation(str(inputs["Service"]), str(inputs["Api"]))
    except (template.MissingValue, aws.AwsRefused):
        return "Undetermined"
    return "NonMutating" if target.effect is aws.Effect.READ else "Mutating"


def _targets(execution: Execution, runbook: Runbook) -> list[dict[str, Any]]:
    """How many instances the parameters name; of other kinds of targets nothing is known."""
    kind = execution.version.document.target_type
    named = targets.instance_ids(runbook, kind, execution.values)
    ids = {one for many in named.values() for one in many}
    return [{"Count": len(ids), "TargetType": targets.INSTANCE}] if ids else []

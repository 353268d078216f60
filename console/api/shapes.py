"""Rows as the shapes of the SSM API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from executions import library
from executions.models import Document, DocumentVersion, Execution, StepExecution, Tag, rows
from executions.runbook import flow, values
from executions.runbook.types import Parameter, Runbook, Step
from executions.states import Status

STEPS_SHOWN = 100  # then StepExecutionsTruncated, and DescribeAutomationStepExecutions has all


def execution(row: Execution) -> dict[str, Any]:
    """AutomationExecution."""
    steps = step_executions(row)
    return {
        **_common(row),
        "StepExecutions": steps[:STEPS_SHOWN],
        "StepExecutionsTruncated": len(steps) > STEPS_SHOWN,
        "Parameters": parameters(row),
        "Variables": _variables(row),
    }


def execution_metadata(row: Execution) -> dict[str, Any]:
    """AutomationExecutionMetadata."""
    return {**_common(row), "AutomationType": "Local"}


def _common(row: Execution) -> dict[str, Any]:
    """What the execution and its entry in the list share."""
    return {
        "AutomationExecutionId": str(row.id),
        "DocumentName": row.document_name,
        "DocumentVersion": str(row.version.number),
        "ExecutionStartTime": row.created_at,
        "ExecutionEndTime": row.ended_at,
        "AutomationExecutionStatus": row.status,
        "Outputs": row.outputs,
        "Mode": row.mode,
        "ParentAutomationExecutionId": str(row.parent_id) if row.parent_id else None,
        "ExecutedBy": row.executed_by,
        "CurrentStepName": row.current_step or None,
        "CurrentAction": row.current_action or None,
        "FailureMessage": row.failure_message or None,
        "Targets": [],
        "ResolvedTargets": {"ParameterValues": [], "Truncated": False},
    }


def parameters(row: Execution) -> dict[str, list[str]]:
    """The parameters as supplied, and the defaults of the others, as they were at the start."""
    declared = library.runbook(row.version).parameters.values()
    defaults = {
        one.name: values.to_wire(row.values.get(one.name, values.type_default(one)))
        for one in declared
        if one.has_default
    }
    return {**defaults, **row.parameters}


def _variables(row: Execution) -> dict[str, list[str]]:
    """As they are now: those that a step changed, else as the document begins."""
    declared = library.runbook(row.version).variables.values()
    return {one.name: values.to_wire(row.variables.get(one.name, one.default)) for one in declared}


def step_executions(row: Execution, begun: int | None = None) -> list[dict[str, Any]]:
    """Every step: those that have begun, in that order, then those that have not, Pending.

    With `begun`, the order is that of the moment when so many steps had begun.
    """
    runbook = library.runbook(row.version)
    steps = rows.read(StepExecution, "execution_id = %s ORDER BY number", row.pk)
    loops = {step.id: step for step in steps if step.is_loop}
    for step in steps:
        if step.parent_id:
            step.parent = loops[step.parent_id]  # known, and not read again for each
    before, since = steps[:begun], steps[len(steps[:begun]) :]
    names = {step.name for step in before}
    later = {step.name: step for step in reversed(since)}
    return [
        *(step_execution(step, runbook) for step in before),
        *(
            step_execution(later[step.name], runbook)
            if step.name in later
            else _definition(step, runbook)
            for step in runbook.walk()
            if step.name not in names
        ),
    ]


def step_execution(row: StepExecution, runbook: Runbook) -> dict[str, Any]:
    """StepExecution of a step that has begun. Inputs are JSON texts, outputs lists of texts."""
    definition = runbook.find_step(row.name)
    failed = row.status in {Status.FAILED, Status.TIMED_OUT}
    return {
        **(_definition(definition, runbook) if definition else {}),
        "StepName": row.name,
        "Action": row.action,
        "StepExecutionId": str(row.id),
        "StepStatus": row.status,
        "ExecutionStartTime": row.started_at,
        "ExecutionEndTime": row.ended_at,
        "Inputs": {name: json.dumps(value) for name, value in row.inputs.items()},
        "Outputs": _outputs(row.outputs),
        "FailureMessage": row.failure_message or None,
        "FailureDetails": _failure(row) if failed else None,
        "ParentStepDetails": _parent(row, row.parent) if row.parent else None,
    }


def _parent(row: StepExecution, loop: StepExecution) -> dict[str, Any]:
    """ParentStepDetails of a step inside a loop."""
    return {
        "StepExecutionId": str(loop.id),
        "StepName": loop.name,
        "Action": loop.action,
        "Iteration": row.iteration,
        "IteratorValue": row.iterator_value or None,
    }


def _outputs(outputs: Mapping[str, Any]) -> dict[str, list[str]]:
    wire = {name: values.to_wire(value) for name, value in outputs.items()}
    return {**wire, "OutputPayload": [json.dumps(dict(outputs))]} if wire else {}


def _failure(row: StepExecution) -> dict[str, Any]:
    return {
        "FailureStage": row.failure_stage or None,
        "FailureType": row.failure_type or None,
        "Details": {"Attempts": [str(row.attempt)]},
    }


def _definition(step: Step, runbook: Runbook) -> dict[str, Any]:
    """What the document says of a step; StepStatus Pending until it begins."""
    timeout = step.timeout_seconds
    following = flow.valid_next_steps(runbook, step)
    return {
        "StepName": step.name,
        "Action": step.action,
        "StepStatus": Status.PENDING.value,
        "TimeoutSeconds": timeout if isinstance(timeout, int) else None,
        "OnFailure": step.on_failure,
        "MaxAttempts": step.max_attempts,
        "IsCritical": step.critical,
        "IsEnd": step.is_end,
        "NextStep": following[0] if following else None,
        "ValidNextSteps": following,
    }


def document_description(version: DocumentVersion, account_id: str) -> dict[str, Any]:
    """DocumentDescription, as an account sees it."""
    document, runbook = version.document, library.runbook(version)
    return {
        **_document(document, version),
        "Hash": version.sha256,
        "HashType": "Sha256",
        "Owner": document.owner,
        "CreatedDate": version.created_at,
        "Status": "Active",
        "Description": version.description or None,
        "Parameters": [_document_parameter(one) for one in runbook.parameters.values()],
        "LatestVersion": str(document.latest_version),
        "DefaultVersion": str(document.default_version),
        "Tags": _tags(document, account_id),
        "Author": version.created_by_arn or None,
        "AttachmentsInformation": _attachments(version) if runbook.files else None,
    }


def _attachments(version: DocumentVersion) -> list[dict[str, str]]:
    return [{"Name": name} for name in version.attachments.values_list("name", flat=True)]


def _document_parameter(parameter: Parameter) -> dict[str, Any]:
    wire = values.to_wire(values.type_default(parameter)) if parameter.has_default else None
    return {
        "Name": parameter.name,
        "Type": parameter.value_type,
        "Description": parameter.description or None,
        "DefaultValue": ",".join(wire) if wire is not None else None,
    }


def document_identifier(version: DocumentVersion, account_id: str) -> dict[str, Any]:
    """DocumentIdentifier: the entry of a document's default version in a list."""
    document = version.document
    return {
        **_document(document, version),
        "CreatedDate": document.created_at,
        "Owner": document.owner,
        "Tags": _tags(document, account_id),
        "Author": version.created_by_arn or None,
    }


def document_version(version: DocumentVersion, document: Document) -> dict[str, Any]:
    """DocumentVersionInfo."""
    return {
        "Name": document.name,
        "DisplayName": version.display_name or None,
        "DocumentVersion": str(version.number),
        "VersionName": version.version_name or None,
        "CreatedDate": version.created_at,
        "IsDefaultVersion": version.number == document.default_version,
        "DocumentFormat": version.format,
        "Status": "Active",
    }


def _document(document: Document, version: DocumentVersion) -> dict[str, Any]:
    return {
        "Name": document.name,
        "DisplayName": version.display_name or None,
        "VersionName": version.version_name or None,
        "PlatformTypes": ["Windows", "Linux", "MacOS"],
        "DocumentVersion": str(version.number),
        "DocumentType": "Automation",
        "SchemaVersion": "0.3",
        "DocumentFormat": version.format,
        "TargetType": document.target_type or None,
    }


def _tags(document: Document, account_id: str) -> list[dict[str, str]]:
    """An account sees its own tags, on its own documents."""
    if document.owner != account_id:
        return []
    found = Tag.objects.of(account_id, ("Document", document.name))
    return [{"Key": tag.key, "Value": tag.value} for tag in found]

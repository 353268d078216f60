"""StartAutomationExecution and what may be asked of executions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from console.api import shapes
from console.api.operations.base import PAGE, Caller, Params, operation, page_position, page_token
from console.api.operations.filters import EXECUTION_FILTERS, STEP_FILTERS, check_filters
from console.api.protocol import ApiError
from executions import library, lifecycle
from executions.errors import NotFound
from executions.models import DocumentVersion, Execution

# What starts of later releases will take: refused by name, never ignored.
NOT_YET = frozenset(
    {
        *("TargetParameterName", "Targets", "TargetMaps", "MaxConcurrency", "MaxErrors"),
        *("TargetLocations", "TargetLocationsURL", "AlarmConfiguration"),
    }
)


@operation
def start_automation_execution(caller: Caller, params: Params) -> dict[str, Any]:
    """Start a runbook; the same client token gives the same execution."""
    if refused := sorted(name for name in NOT_YET if params.get(name)):
        raise ApiError(
            "InvalidAutomationExecutionParametersException",
            f"Countersign does not take {', '.join(refused)} yet.",
        )
    version = find_version(caller, params["DocumentName"], params.get("DocumentVersion"))
    execution = lifecycle.start(
        lifecycle.Start(
            version,
            caller.region,
            params.get("Parameters", {}),
            client_token=params.get("ClientToken"),
            mode=params.get("Mode", "Auto"),
            tags={tag["Key"]: tag["Value"] for tag in params.get("Tags", [])},
        ),
        by=caller.user,
    )
    return {"AutomationExecutionId": str(execution.id)}


def find_version(caller: Caller, name: str, wanted: str | None) -> DocumentVersion:
    """The document version that a start names, by name or ARN."""
    try:
        document = library.find_named(name, region=caller.region, by=caller.user)
    except NotFound as missing:
        raise ApiError("AutomationDefinitionNotFoundException", missing.message) from missing
    try:
        return document.version(wanted or "$DEFAULT")
    except DocumentVersion.DoesNotExist as missing:
        raise ApiError(
            "AutomationDefinitionVersionNotFoundException",
            f"{document.name} has no version {wanted}.",
        ) from missing


@operation
def get_automation_execution(caller: Caller, params: Params) -> dict[str, Any]:
    """One execution with its steps."""
    return {"AutomationExecution": shapes.execution(find_execution(caller, params))}


def find_execution(caller: Caller, params: Params) -> Execution:
    """An execution of the caller's account and Region."""
    text = params["AutomationExecutionId"]
    missing = ApiError(
        "AutomationExecutionNotFoundException", f"There is no execution {text} that you may see."
    )
    try:
        execution = lifecycle.find(UUID(text), by=caller.user)
    except (ValueError, NotFound) as error:
        raise missing from error
    if execution.region != caller.region:
        raise missing
    return execution


@operation
def stop_automation_execution(caller: Caller, params: Params) -> dict[str, Any]:
    """Cancel it, or declare it complete."""
    execution = find_execution(caller, params)
    lifecycle.stop(execution, by=caller.user, kind=params.get("Type", "Cancel"))
    return {}


@operation
def describe_automation_executions(caller: Caller, params: Params) -> dict[str, Any]:
    """The account's executions in this Region, newest first."""
    filters = check_filters(params.get("Filters", []), EXECUTION_FILTERS)
    position = page_position(
        caller, "DescribeAutomationExecutions", filters, params.get("NextToken")
    )
    found = Execution.objects.visible_to(caller.user).filter(region=caller.region)
    for key, values in filters:
        found = EXECUTION_FILTERS[key](found, values)
    if position:
        at, pk = datetime.fromisoformat(position[0]), position[1]
        found = found.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=UUID(pk)))
    size = params.get("MaxResults", PAGE)
    rows = list(found.select_related("version")[: size + 1])
    answer: dict[str, Any] = {
        "AutomationExecutionMetadataList": [shapes.execution_metadata(row) for row in rows[:size]]
    }
    if len(rows) > size:
        last = rows[size - 1]
        answer["NextToken"] = page_token(
            caller,
            "DescribeAutomationExecutions",
            filters,
            [last.created_at.isoformat(), str(last.pk)],
        )
    return answer


@operation
def describe_automation_step_executions(caller: Caller, params: Params) -> dict[str, Any]:
    """All steps of an execution, also those that have not begun."""
    execution = find_execution(caller, params)
    filters = check_filters(params.get("Filters", []), STEP_FILTERS)
    listed = [str(execution.pk), filters, params.get("ReverseOrder", False)]
    name = "DescribeAutomationStepExecutions"
    start = page_position(caller, name, listed, params.get("NextToken")) or 0
    steps = shapes.step_executions(execution)
    for key, values in filters:
        steps = [step for step in steps if STEP_FILTERS[key](step, values)]
    if params.get("ReverseOrder"):
        steps.reverse()
    end = start + params.get("MaxResults", PAGE)
    answer: dict[str, Any] = {"StepExecutions": steps[start:end]}
    if end < len(steps):
        answer["NextToken"] = page_token(caller, name, listed, end)
    return answer

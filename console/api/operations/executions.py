"""StartAutomationExecution and what may be asked of executions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q

from console.api import shapes
from console.api.operations.base import (
    PREPARATIONS,
    Caller,
    Params,
    find_page,
    operation,
    refuse_given,
)
from console.api.operations.documents import locate
from console.api.operations.filters import filtered, matches, read_filters
from console.api.protocol import ApiError
from executions import lifecycle, parameter_store
from executions.errors import NotFound, Refused
from executions.library import changes
from executions.models import DocumentVersion, Execution, rows

# What starts of later releases will take: refused by name, never ignored.
NOT_YET = (
    *("TargetParameterName", "Targets", "TargetMaps", "MaxConcurrency", "MaxErrors"),
    *("TargetLocations", "TargetLocationsURL", "AlarmConfiguration"),
)
START = "ssm:StartAutomationExecution"


@operation
def start_automation_execution(caller: Caller, params: Params) -> dict[str, Any]:
    """Start a runbook; the same client token gives the same execution."""
    refuse_given(params, NOT_YET, "InvalidAutomationExecutionParametersException")
    execution = lifecycle.start(caller.prepared or _request(caller, params), by=caller.user)
    return {"AutomationExecutionId": str(execution.id)}


def _request(caller: Caller, params: Params) -> lifecycle.Start:
    return lifecycle.Start(
        find_version(caller, params, START),
        caller.region,
        params.get("Parameters", {}),
        client_token=params.get("ClientToken"),
        mode=params.get("Mode", "Auto"),
        tags={tag["Key"]: tag["Value"] for tag in params.get("Tags", [])},
    )


def complete(
    read: Callable[[Caller, Params], lifecycle.Start], caller: Caller, params: Params
) -> lifecycle.Start | None:
    """The start that a request asks for, with what its document keeps in Parameter Store."""
    try:
        return parameter_store.complete(read(caller, params), by=caller.user)
    except (ApiError, Refused):  # the operation comes to the same, and says so
        return None


PREPARATIONS["StartAutomationExecution"] = partial(complete, _request)


def find_version(caller: Caller, params: Params, action: str) -> DocumentVersion:
    """The document version that a start names, by name or ARN."""
    try:
        document = locate(caller, params["DocumentName"], action)
    except NotFound as missing:
        raise NotFound(missing.message, code="AutomationDefinitionNotFoundException") from missing
    try:
        return changes.find_version(document, params.get("DocumentVersion", ""), by=caller.user)
    except NotFound as missing:
        caller.require(action, document.arn(caller.region))
        raise NotFound(
            missing.message, code="AutomationDefinitionVersionNotFoundException"
        ) from missing


def locate_execution(caller: Caller, params: Params, action: str) -> Execution:
    """An execution of the caller's account and Region, for a verb that checks the right to it.

    If there is none, whoever has no right to it learns only that.
    """
    text = params["AutomationExecutionId"]
    place = (_read_id(text), caller.account_id, caller.region)
    found = rows.read(Execution, "id = %s AND account_id = %s AND region = %s", *place)
    if not found:
        caller.require(action, caller.resource("automation-execution", text))
        raise NotFound(
            f"There is no execution {text} in {caller.account_id}, {caller.region}.",
            code="AutomationExecutionNotFoundException",
        )
    execution = found[0]
    (execution.version,) = rows.read(DocumentVersion, "id = %s", execution.version_id)
    return execution


def _read_id(text: str) -> UUID:
    """The id, if it is written as SSM writes one; else one that no execution has."""
    try:
        found = UUID(text)
    except ValueError:
        return UUID(int=0)
    return found if str(found) == text else UUID(int=0)


def _find_execution(caller: Caller, params: Params, action: str) -> Execution:
    """An execution that the caller may read with the action."""
    execution = locate_execution(caller, params, action)
    caller.require(action, execution.arn)
    return execution


@operation
def get_automation_execution(caller: Caller, params: Params) -> dict[str, Any]:
    """One execution with its steps."""
    execution = _find_execution(caller, params, "ssm:GetAutomationExecution")
    return {"AutomationExecution": shapes.execution(execution)}


@operation
def stop_automation_execution(caller: Caller, params: Params) -> dict[str, Any]:
    """Cancel it, or declare it complete."""
    execution = locate_execution(caller, params, "ssm:StopAutomationExecution")
    lifecycle.stop(execution, by=caller.user, kind=params.get("Type", "Cancel"))
    return {}


@operation
def describe_automation_executions(caller: Caller, params: Params) -> dict[str, Any]:
    """The account's executions in this Region, newest first."""
    everything = f"arn:aws:ssm:*:{caller.account_id}:automation-execution/*"
    caller.require("ssm:DescribeAutomationExecutions", everything)
    page = find_page(caller, "DescribeAutomationExecutions", params)
    found = Execution.objects.filter(account_id=caller.account_id, region=caller.region)
    found = filtered(found, read_filters(params))
    if page.position:
        at, pk = datetime.fromisoformat(page.position[0]), UUID(page.position[1])
        found = found.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk))
    shown, token = page.cut(
        list(found.select_related("version")[: page.size + 1]),
        lambda row: [row.created_at.isoformat(), str(row.pk)],
    )
    return {
        "AutomationExecutionMetadataList": [shapes.execution_metadata(row) for row in shown],
        "NextToken": token,
    }


@operation
def describe_automation_step_executions(caller: Caller, params: Params) -> dict[str, Any]:
    """All steps of an execution, also those that have not begun, in the order they begin.

    The pages show the steps as the first page found them, each as it is now: a step that begins
    meanwhile is neither shown twice nor left out. So a position is the number of steps that had
    begun then, and how many of the list have been looked at.
    """
    execution = _find_execution(caller, params, "ssm:DescribeAutomationStepExecutions")
    page = find_page(caller, "DescribeAutomationStepExecutions", params)
    filters = read_filters(params)
    begun, seen = page.position or (execution.steps.count(), 0)
    steps = list(enumerate(shapes.step_executions(execution, begun), start=1))
    if params.get("ReverseOrder"):
        steps = [(at, step) for at, (_, step) in enumerate(reversed(steps), start=1)]
    wanted = [(at, step) for at, step in steps[seen:] if matches(step, filters)]
    shown, token = page.cut(wanted[: page.size + 1], lambda pair: [begun, pair[0]])
    return {"StepExecutions": [step for _, step in shown], "NextToken": token}

"""The filters of the two lists of executions: keys join with AND, the values of one with OR."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db.models import Q

from console.api.protocol import ApiError
from executions.models import Tag
from executions.models.executions import ExecutionQuerySet
from executions.states import Status

Filtered: TypeAlias = Callable[[ExecutionQuerySet, Sequence[str]], ExecutionQuerySet]
Chosen: TypeAlias = Callable[[Mapping[str, Any], Sequence[str]], bool]


def check_filters(
    given: Sequence[Mapping[str, Any]], known: Mapping[str, object]
) -> list[list[Any]]:
    """The filters as [key, values]; InvalidFilterKey for a key that the list does not have."""
    for one in given:
        if one["Key"] not in known:
            raise ApiError("InvalidFilterKey", f"The filter key {one['Key']} is not valid here.")
    return [[one["Key"], list(one["Values"])] for one in given]


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError("InvalidFilterValue", f"{text!r} is not a time in ISO 8601.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _uuids(texts: Sequence[str]) -> list[UUID]:
    """Those that are ids; an unknown id gives an empty list, and so does what is none."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _statuses(found: ExecutionQuerySet, values: Sequence[str]) -> ExecutionQuerySet:
    return found.filter(status__in=[value for value in values if value in set(Status)])


def _prefixes(found: ExecutionQuerySet, values: Sequence[str]) -> ExecutionQuerySet:
    prefixes = Q()
    for value in values:
        prefixes |= Q(document_name__startswith=value)
    return found.filter(prefixes)


def _tagged(found: ExecutionQuerySet, values: Sequence[str]) -> ExecutionQuerySet:
    tags = Tag.objects.filter(resource_type="Automation", key__in=values)
    ids = _uuids(list(tags.values_list("resource_id", flat=True)))
    return found.filter(pk__in=ids)


def _of_type(found: ExecutionQuerySet, values: Sequence[str]) -> ExecutionQuerySet:
    if unknown := set(values) - {"Local", "CrossAccount"}:
        raise ApiError("InvalidFilterValue", f"AutomationType is not {', '.join(sorted(unknown))}.")
    return found if "Local" in values else found.none()


def _none(found: ExecutionQuerySet, values: Sequence[str]) -> ExecutionQuerySet:
    """Nothing here has a parent, a resource group, a subtype or an OpsItem."""
    return found.none()


EXECUTION_FILTERS: Final[dict[str, Filtered]] = {
    "DocumentNamePrefix": _prefixes,
    "ExecutionStatus": _statuses,
    "ExecutionId": lambda found, values: found.filter(pk__in=_uuids(values)),
    "ParentExecutionId": _none,
    "CurrentAction": lambda found, values: found.filter(current_action__in=values),
    "StartTimeBefore": lambda found, values: found.filter(created_at__lt=max(map(_time, values))),
    "StartTimeAfter": lambda found, values: found.filter(created_at__gt=min(map(_time, values))),
    "AutomationType": _of_type,
    "TagKey": _tagged,
    "TargetResourceGroup": _none,
    "AutomationSubtype": _none,
    "OpsItemId": _none,
}
STEP_FILTERS: Final[dict[str, Chosen]] = {
    "StartTimeBefore": lambda step, values: (
        bool(step.get("ExecutionStartTime"))
        and step["ExecutionStartTime"] < max(map(_time, values))
    ),
    "StartTimeAfter": lambda step, values: (
        bool(step.get("ExecutionStartTime"))
        and step["ExecutionStartTime"] > min(map(_time, values))
    ),
    "StepExecutionStatus": lambda step, values: step["StepStatus"] in values,
    "StepExecutionId": lambda step, values: step.get("StepExecutionId") in values,
    "StepName": lambda step, values: step["StepName"] in values,
    "Action": lambda step, values: step["Action"] in values,
    "ParentStepExecutionId": lambda step, values: False,
    "ParentStepIteration": lambda step, values: False,
    "ParentStepIteratorValue": lambda step, values: False,
}

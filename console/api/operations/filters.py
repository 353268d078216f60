"""The filters of the two lists of executions: keys join with AND, the values of one with OR."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db.models import Q

from console.api.operations.base import Params
from console.api.protocol import ApiError, model
from executions.models import Tag
from executions.models.executions import ExecutionQuerySet

Filtered: TypeAlias = Callable[[ExecutionQuerySet, Sequence[str]], ExecutionQuerySet]
Filters: TypeAlias = Sequence[tuple[str, Sequence[str]]]
# Filters whose values are of an enumeration, by the shape that has it.
ENUMS: Final = {
    "ExecutionStatus": "AutomationExecutionStatus",
    "StepExecutionStatus": "AutomationExecutionStatus",
    "AutomationType": "AutomationType",
    "AutomationSubtype": "AutomationSubtype",
}
TIMES: Final = frozenset({"StartTimeBefore", "StartTimeAfter"})


def read_filters(params: Params) -> Filters:
    """Keys and values; InvalidFilterValue for a value that nothing can have."""
    filters = [(one["Key"], one["Values"]) for one in params.get("Filters", [])]
    for key, values in filters:
        known = getattr(model().shape_for(ENUMS[key]), "enum", ()) if key in ENUMS else values
        if unknown := sorted(set(values) - set(known)):
            raise ApiError("InvalidFilterValue", f"{key} is never {', '.join(unknown)}.")
        if key in TIMES:
            _times(values)
    return filters


def filtered(found: ExecutionQuerySet, filters: Filters) -> ExecutionQuerySet:
    """The executions that match every filter."""
    for key, values in filters:
        found = EXECUTION_FILTERS[key](found, values)
    return found


def matches(step: Mapping[str, Any], filters: Filters) -> bool:
    """Whether a StepExecution matches every filter."""
    return all(_matches(step, key, values) for key, values in filters)


def _times(texts: Iterable[str]) -> list[datetime]:
    try:
        found = [datetime.fromisoformat(text) for text in texts]
        return [at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC) for at in found]
    except (ValueError, OverflowError) as error:
        raise ApiError("InvalidFilterValue", "A start time is a time in ISO 8601.") from error


def _uuids(texts: Iterable[str]) -> list[UUID]:
    """Those that are ids; an unknown id gives an empty list, and so does what is none."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _prefixes(found: ExecutionQuerySet, values: Sequence[str]) -> ExecutionQuerySet:
    prefixes = Q()
    for value in values:
        prefixes |= Q(document_name__startswith=value)
    return found.filter(prefixes)


def _tagged(found: ExecutionQuerySet, values: Sequence[str]) -> ExecutionQuerySet:
    # An id is text in a tag and not in an execution, and the databases write it differently.
    tags = Tag.objects.filter(resource_type="Automation", key__in=values)
    return found.filter(pk__in=_uuids(tags.values_list("resource_id", flat=True)))


def _none(found: ExecutionQuerySet, _: Sequence[str]) -> ExecutionQuerySet:
    """Nothing here has a resource group, a subtype or an OpsItem."""
    return found.none()


EXECUTION_FILTERS: Final[dict[str, Filtered]] = {
    "DocumentNamePrefix": _prefixes,
    "ExecutionStatus": lambda found, values: found.filter(status__in=values),
    "ExecutionId": lambda found, values: found.filter(pk__in=_uuids(values)),
    "ParentExecutionId": lambda found, values: found.filter(parent__in=_uuids(values)),
    "CurrentAction": lambda found, values: found.filter(current_action__in=values),
    "StartTimeBefore": lambda found, values: found.filter(created_at__lt=max(_times(values))),
    "StartTimeAfter": lambda found, values: found.filter(created_at__gt=min(_times(values))),
    "AutomationType": lambda found, values: found if "Local" in values else found.none(),
    "TagKey": _tagged,
    "TargetResourceGroup": _none,
    "AutomationSubtype": _none,
    "OpsItemId": _none,
}
STEP_MEMBERS: Final = {
    "StepExecutionStatus": "StepStatus",
    "StepExecutionId": "StepExecutionId",
    "StepName": "StepName",
    "Action": "Action",
}
PARENT_MEMBERS: Final = {
    "ParentStepExecutionId": "StepExecutionId",
    "ParentStepIteration": "Iteration",
    "ParentStepIteratorValue": "IteratorValue",
}


def _matches(step: Mapping[str, Any], key: str, values: Sequence[str]) -> bool:
    if key in PARENT_MEMBERS:  # as text, since the values of filters are
        parent = step.get("ParentStepDetails") or {}
        return str(parent.get(PARENT_MEMBERS[key], "")) in values
    if key in STEP_MEMBERS:
        return step.get(STEP_MEMBERS[key]) in values
    began = step.get("ExecutionStartTime")
    if key not in TIMES or began is None:
        return False
    times = _times(values)
    return bool(began < max(times) if key == "StartTimeBefore" else began > min(times))

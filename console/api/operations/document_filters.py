"""The filters of ListDocuments: keys join with AND, the values of one with OR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Q

from console.api.operations.base import Caller, Params
from console.api.protocol import ApiError
from executions.models import Document, DocumentPermission, Tag
from executions.models.documents import AMAZON, EVERYONE, DocumentQuerySet

LOOKUPS: Final = {
    "Name": "name__istartswith",
    "SearchKeyword": "name__icontains",
    "TargetType": "target_type",
}
# What every document here is.
CONSTANT: Final = {
    "DocumentType": {"Automation"},
    "PlatformTypes": {"Windows", "Linux", "MacOS"},
}


def filtered(caller: Caller, params: Params) -> DocumentQuerySet:
    """The documents that the caller's account can use and that match every filter."""
    filters = read_filters(params)
    found = Document.objects.visible_to(caller.account_id)
    for key, values in filters:
        found = found.filter(_condition(caller, key, values))
    return found


def read_filters(params: Params) -> list[tuple[str, list[str]]]:
    """Filters in both forms that the API has; InvalidFilterKey for what cannot be asked."""
    given: list[tuple[str, Any]] = [
        (one.get("Key", ""), one.get("Values")) for one in params.get("Filters", [])
    ]
    given += [(one["key"], [one["value"]]) for one in params.get("DocumentFilterList", [])]
    for key, values in given:
        if not key or not values:
            raise _invalid("A filter has a Key and Values.")
    kinds = ["tag:" if key.startswith("tag:") else key for key, _ in given]
    for once in ("Owner", "tag:"):
        if kinds.count(once) > 1:
            raise _invalid(f"A request has one {once.rstrip(':')} filter at most.")
    return given


def _condition(caller: Caller, key: str, values: Sequence[str]) -> Q:
    if key.startswith("tag:"):
        return _tagged(caller, key.removeprefix("tag:"), values)
    if key in LOOKUPS:
        return _any(LOOKUPS[key], values)
    if key in CONSTANT:
        return ~Q(pk__in=[]) if CONSTANT[key] & set(values) else Q(pk__in=[])
    if key == "Owner":
        return _owned(caller, values)
    raise _invalid(f"ListDocuments has no filter {key}.")


def _any(lookup: str, values: Sequence[str]) -> Q:
    condition = Q(pk__in=[])
    for value in values:
        condition |= Q(**{lookup: value})
    return condition


def _owned(caller: Caller, values: Sequence[str]) -> Q:
    own = Q(owner=caller.account_id)
    conditions = {
        "Self": own,
        "Amazon": Q(owner=AMAZON),
        "Private": ~own & _shared_with(caller.account_id),
        "Public": Q(owner=AMAZON) | _shared_with(EVERYONE),
        "ThirdParty": Q(pk__in=[]),
    }
    if len(values) != 1 or values[0] not in conditions:
        raise _invalid(f"Owner is one of {', '.join(conditions)}.")
    return conditions[values[0]]


def _shared_with(account_id: str) -> Q:
    permissions = DocumentPermission.objects.filter(account_id=account_id)
    return Q(pk__in=permissions.values("document"))


def _tagged(caller: Caller, key: str, values: Sequence[str]) -> Q:
    tags = Tag.objects.filter(
        account_id=caller.account_id, resource_type="Document", key=key, value__in=values
    )
    return Q(owner=caller.account_id, name__in=tags.values("resource_id"))


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidFilterKey", message)

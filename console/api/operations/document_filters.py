"""The filters of ListDocuments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Q

from console.api.operations.base import Caller
from console.api.protocol import ApiError
from executions.models import Document, Tag
from executions.models.documents import AMAZON, DocumentQuerySet

LOOKUPS: Final = {
    "Name": "name__istartswith",
    "SearchKeyword": "name__icontains",
    "TargetType": "target_type",
}


def filtered(caller: Caller, filters: Sequence[Sequence[Any]]) -> DocumentQuerySet:
    """The documents that match every filter; the values of one key join with OR."""
    found = Document.objects.visible_to(caller.account_id).prefetch_related("versions")
    for key, values in filters:
        found = found.filter(_condition(caller, key, values))
    return found


def _condition(caller: Caller, key: str, values: Sequence[str]) -> Q:
    if key.startswith("tag:"):
        return _tagged(caller, key.removeprefix("tag:"), values)
    if key in LOOKUPS:
        return _any(LOOKUPS[key], values)
    if key == "Owner":
        return _owned(caller, values)
    if key == "DocumentType":
        return _everything() if "Automation" in values else Q(pk__in=[])
    if key == "PlatformTypes":
        return _everything()  # a runbook runs beside instances, not on them
    raise ApiError("InvalidFilterKey", f"ListDocuments has no filter {key}.")


def _any(lookup: str, values: Sequence[str]) -> Q:
    condition = Q(pk__in=[])
    for value in values:
        condition |= Q(**{lookup: value})
    return condition


def _everything() -> Q:
    return ~Q(pk__in=[])


def _owned(caller: Caller, values: Sequence[str]) -> Q:
    if len(values) != 1:
        raise ApiError("InvalidFilterKey", "Owner takes one value in a request.")
    own = Q(owner=caller.account_id)
    match values[0]:
        case "Self" | "self":
            return own
        case "Amazon":
            return Q(owner=AMAZON)
        case "Private":
            return ~own & ~Q(owner=AMAZON) & Q(permissions__account_id=caller.account_id)
        case "Public":
            return Q(owner=AMAZON) | Q(permissions__account_id="all")
        case "ThirdParty":
            return Q(pk__in=[])
    return Q(owner=values[0])


def _tagged(caller: Caller, key: str, values: Sequence[str]) -> Q:
    tags = Tag.objects.filter(
        account_id=caller.account_id, resource_type="Document", key=key, value__in=values
    )
    return Q(owner=caller.account_id, name__in=tags.values("resource_id"))

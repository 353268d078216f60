"""Tags on documents and executions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from executions import library, lifecycle
from executions.errors import Conflict, NotAllowed, NotFound, Refused
from executions.events import asked
from executions.models import Tag

if TYPE_CHECKING:
    from console.iam.models import User

MOST_TAGS: Final = 50


def add(resource: tuple[str, str], tags: Mapping[str, str], *, by: User, region: str) -> None:
    """Set tags on a resource (type and id); a key that is there gets the new value."""
    arn = _arn(resource, by, region)
    with asked(by, "ssm:AddTagsToResource", arn) as entry:
        entry.data = {"tags": dict(tags)}
        _check(by, "ssm:AddTagsToResource", arn)
        for key, value in tags.items():
            Tag.objects.update_or_create(**_owner(resource, by), key=key, defaults={"value": value})
        if Tag.objects.filter(**_owner(resource, by)).count() > MOST_TAGS:
            raise Conflict(f"A resource has {MOST_TAGS} tags at most.", code="TooManyTagsError")


def remove(resource: tuple[str, str], keys: Iterable[str], *, by: User, region: str) -> None:
    """Take tags away; a key that is not there is no error."""
    arn = _arn(resource, by, region)
    with asked(by, "ssm:RemoveTagsFromResource", arn) as entry:
        entry.data = {"keys": list(keys)}
        _check(by, "ssm:RemoveTagsFromResource", arn)
        Tag.objects.filter(**_owner(resource, by), key__in=keys).delete()


def of(resource: tuple[str, str], *, by: User, region: str) -> dict[str, str]:
    """The resource's tags."""
    _check(by, "ssm:ListTagsForResource", _arn(resource, by, region))
    return {tag.key: tag.value for tag in Tag.objects.filter(**_owner(resource, by))}


def _owner(resource: tuple[str, str], by: User) -> dict[str, Any]:
    account = by.principal.account_id if by.principal else ""
    return {"account_id": account, "resource_type": resource[0], "resource_id": resource[1]}


def _arn(resource: tuple[str, str], by: User, region: str) -> str:
    """The ARN of a resource that the person knows of."""
    kind, name = resource
    account = by.principal.account_id if by.principal else ""
    if kind not in {"Document", "Automation"}:
        raise Refused(
            f"Countersign tags Documents and Automations, not a {kind}.", code="InvalidResourceType"
        )
    try:
        if kind == "Document":
            return library.find(account, name, by=by).arn(region)
        return lifecycle.find(UUID(name), by=by).arn
    except (NotFound, ValueError) as missing:
        raise NotFound(
            f"There is no {kind} {name} of yours.", code="InvalidResourceId"
        ) from missing


def _check(by: User, action: str, arn: str) -> None:
    if not by.has_perm(action, arn):
        raise NotAllowed(f"You may not do {action} on {arn}.")

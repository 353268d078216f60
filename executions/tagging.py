"""Tags on documents and executions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from executions.errors import NotAllowed, NotFound, Refused
from executions.events import asked
from executions.models import Document, Execution, Tag

if TYPE_CHECKING:
    from console.iam.models import User

Resource: TypeAlias = tuple[str, str]  # Document and its name, or Automation and its id


def add(resource: Resource, tags: Mapping[str, str], *, by: User, region: str) -> None:
    """Set tags on a resource (type and id); a key that is there gets the new value."""
    arn = _arn(resource, by, region)
    with asked(by, "ssm:AddTagsToResource", arn) as entry:
        entry.data = {"tags": dict(tags)}
        _check(resource, "ssm:AddTagsToResource", arn, by)
        Tag.objects.put(_account(by), resource, tags)


def remove(resource: Resource, keys: Iterable[str], *, by: User, region: str) -> None:
    """Take tags away; a key that is not there is no error."""
    arn = _arn(resource, by, region)
    with asked(by, "ssm:RemoveTagsFromResource", arn) as entry:
        entry.data = {"keys": list(keys)}
        _check(resource, "ssm:RemoveTagsFromResource", arn, by)
        Tag.objects.of(_account(by), resource).filter(key__in=keys).delete()


def of(resource: Resource, *, by: User, region: str) -> dict[str, str]:
    """The resource's tags."""
    _check(resource, "ssm:ListTagsForResource", _arn(resource, by, region), by)
    return {tag.key: tag.value for tag in Tag.objects.of(_account(by), resource)}


def _account(by: User) -> str:
    return by.principal.account_id if by.principal else ""


def _arn(resource: Resource, by: User, region: str) -> str:
    """The ARN that a resource of the person's account would have, if there is one."""
    kind, name = resource
    names = {"Document": "document", "Automation": "automation-execution"}
    if kind not in names:
        raise Refused(
            f"Countersign tags Document and Automation, not {kind}.", code="InvalidResourceType"
        )
    return f"arn:aws:ssm:{region}:{_account(by)}:{names[kind]}/{name[:256]}"


def _check(resource: Resource, action: str, arn: str, by: User) -> None:
    """The person may, and then: there is such a resource. Strangers learn of none."""
    if not by.has_perm(action, arn):
        raise NotAllowed(f"You may not do {action} on {arn}.")
    kind, name = resource
    if not (_has_document(name, by) if kind == "Document" else _has_execution(name, arn, by)):
        raise NotFound(f"Your account has no {kind} {name[:256]}.", code="InvalidResourceId")


def _has_document(name: str, by: User) -> bool:
    return Document.objects.filter(owner=_account(by), name=name).exists()


def _has_execution(name: str, arn: str, by: User) -> bool:
    """Of the Region that the ARN names, by the id in the form that SSM writes."""
    try:
        found = Execution.objects.filter(pk=UUID(name), account_id=_account(by)).first()
    except ValueError:
        return False
    return found is not None and found.arn == arn

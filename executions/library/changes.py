"""What happens to a document after it was created: new versions, default, sharing, deletion."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.db.models import ProtectedError

from executions import clock
from executions.errors import BadParameters, Conflict, NotAllowed, NotFound
from executions.events import asked
from executions.library import Draft, save_version
from executions.models import Document, DocumentPermission, DocumentVersion, Tag
from executions.models.documents import EVERYONE

if TYPE_CHECKING:
    from console.iam.models import User

ACCOUNT: Final = re.compile(r"all|\d{12}")
MOST_SHARED: Final = 1000


def update(
    document: Document, draft: Draft, *, by: User, based_on: str = "$LATEST"
) -> DocumentVersion:
    """A new version, made from the latest one; the default stays what it is."""
    with asked(by, "ssm:UpdateDocument", document.arn("*")):
        _check(document, "ssm:UpdateDocument", by)
        if based_on not in {"$LATEST", str(document.latest_version)}:
            raise Conflict(
                f"{document.name} has a newer version, {document.latest_version}. Only the latest"
                " version can be updated.",
                code="InvalidDocumentVersion",
            )
        return save_version(document, draft, by=by)


def set_default(document: Document, number: str, *, by: User) -> DocumentVersion:
    """Make a version the default; what waits or runs keeps the version that it began with."""
    with asked(by, "ssm:UpdateDocumentDefaultVersion", document.arn("*")) as entry:
        _check(document, "ssm:UpdateDocumentDefaultVersion", by)
        version = document.versions.filter(number=int(number) if number.isdigit() else 0).first()
        if version is None:
            raise NotFound(
                f"{document.name} has no version {number}.", code="InvalidDocumentVersion"
            )
        entry.data = {"from": document.default_version, "to": version.number}
        document.default_version, document.updated_at = version.number, clock.now()
        document.save(update_fields=["default_version", "updated_at"])
        return version


def share(
    document: Document,
    *,
    add: Iterable[str],
    remove: Iterable[str],
    by: User,
    version: str = "$DEFAULT",
) -> None:
    """Share with accounts or everyone (`all`), and take it back; taking back wins."""
    with asked(by, "ssm:ModifyDocumentPermission", document.arn("*")) as entry:
        _check(document, "ssm:ModifyDocumentPermission", by)
        gone = {account.lower() for account in remove}
        new = {account.lower() for account in add} - gone
        entry.data = {"add": sorted(new), "remove": sorted(gone)}
        if odd := sorted(one for one in new | gone if not ACCOUNT.fullmatch(one)):
            raise BadParameters(
                {"accounts": [f"{', '.join(odd)}: give twelve digits, or all."]},
                code="ValidationException",
            )
        document.permissions.filter(account_id__in=gone).delete()
        for account in new:
            DocumentPermission.objects.update_or_create(
                document=document, account_id=account, defaults={"shared_version": version}
            )
        _check_sharing(document)


def _check_sharing(document: Document) -> None:
    accounts = set(document.permissions.values_list("account_id", flat=True))
    if EVERYONE in accounts and len(accounts) > 1:
        raise Conflict(
            f"{document.name} is shared with everyone or with accounts, and not both.",
            code="DocumentPermissionLimit",
        )
    if len(accounts) > MOST_SHARED:
        raise Conflict(
            f"A document is shared with {MOST_SHARED} accounts at most.",
            code="DocumentPermissionLimit",
        )


def delete(document: Document, *, by: User, version: DocumentVersion | None = None) -> None:
    """Delete a version or the whole document; not while it is shared, and never what has run."""
    with asked(by, "ssm:DeleteDocument", document.arn("*")) as entry:
        _check(document, "ssm:DeleteDocument", by)
        entry.data = {"version": version.number if version else "all"}
        if version is None and document.permissions.exists():
            raise _kept(f"{document.name} is shared; stop sharing it first.")
        if version is not None and version.number == document.default_version:
            raise _kept(f"Version {version.number} is the default of {document.name}.")
        try:
            if version is not None:
                version.delete()
                _note_latest(document)
                return
            DocumentVersion.objects.filter(document=document).delete()
            Tag.objects.filter(
                account_id=document.owner, resource_type="Document", resource_id=document.name
            ).delete()
            document.delete()
        except ProtectedError as error:
            raise _kept(
                f"Executions of {document.name} are in the history, which keeps what they ran."
            ) from error


def _note_latest(document: Document) -> None:
    latest = document.versions.order_by("-number").values_list("number", flat=True).first()
    Document.objects.filter(pk=document.pk).update(latest_version=latest, updated_at=clock.now())


def _kept(message: str) -> Conflict:
    return Conflict(message, code="InvalidDocumentOperation")


def _check(document: Document, action: str, by: User) -> None:
    """The person may, and the document is one of their account."""
    account = by.principal.account_id if by.principal else ""
    if document.owner != account or not by.has_perm(action, document.arn("*")):
        raise NotAllowed(f"You may not do {action} on the document {document.name}.")

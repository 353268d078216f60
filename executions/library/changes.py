"""What happens to a document after it was created: new versions, default, sharing, deletion."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from django.db.models import ProtectedError

from executions import clock, service_settings
from executions.errors import BadParameters, Conflict, NotAllowed, NotFound
from executions.events import asked
from executions.library import Draft, attachments, save_version
from executions.models import Document, DocumentPermission, DocumentVersion, Tag, rows
from executions.models.documents import AMAZON, EVERYONE

if TYPE_CHECKING:
    from console.iam.models import User

ACCOUNT: Final = re.compile(r"all|\d{12}")
MOST_SHARED: Final = 1000
MOST_PUBLIC: Final = 5  # documents of an account that everyone may use


def update(
    document: Document, draft: Draft, *, by: User, based_on: str = "$LATEST"
) -> DocumentVersion:
    """A new version, made from the latest one; the default stays what it is."""
    with asked(by, "ssm:UpdateDocument", document.arn("*")) as entry:
        _check(document, "ssm:UpdateDocument", by)
        default = str(document.default_version) if based_on == "$DEFAULT" else based_on
        if default not in {"$LATEST", str(document.latest_version)}:
            raise Conflict(
                f"Only the latest version of {document.name}, {document.latest_version}, can be"
                " updated.",
                code="InvalidDocumentVersion",
            )
        version = save_version(document, draft, by=by)
        entry.data = {"version": version.number, "sha256": version.sha256}
        return version


def set_default(document: Document, number: str, *, by: User) -> DocumentVersion:
    """Make a version the default; what waits or runs keeps the version that it began with."""
    with asked(by, "ssm:UpdateDocumentDefaultVersion", document.arn("*")) as entry:
        _check(document, "ssm:UpdateDocumentDefaultVersion", by)
        version = find_version(document, number, by=by)
        entry.data = {"from": document.default_version, "to": version.number}
        document.default_version, document.updated_at = version.number, clock.now()
        document.save(update_fields=["default_version", "updated_at"])
        return version


def find_version(
    document: Document, wanted: str = "", name: str = "", *, by: User
) -> DocumentVersion:
    """A version that the person's account may use, by number or alias, by name, or by both.

    By neither it is the default.
    """
    account = by.principal.account_id if by.principal else ""
    if document.owner in (AMAZON, account) and not name:
        by_number = "document_id = %s AND number = %s"
        found = rows.read(DocumentVersion, by_number, document.pk, document.number(wanted))
    else:
        versions = document.versions_for(account)
        if name:
            versions = versions.filter(version_name=name)
        if wanted or not name:
            versions = versions.filter(number=document.number(wanted))
        found = list(versions[:1])
    if not found:
        named = " ".join(one for one in (wanted, name) if one) or "$DEFAULT"
        raise NotFound(
            f"{document.name} has no version {named} that your account may use.",
            code="InvalidDocumentVersion",
        )
    (version,) = found
    version.document = document
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
        entry.data = {"add": sorted(new), "remove": sorted(gone), "version": version}
        if not new | gone:
            raise BadParameters(
                {"accounts": ["Name accounts to add or to remove."]}, code="ValidationException"
            )
        if odd := sorted(one for one in new | gone if not ACCOUNT.fullmatch(one)):
            raise BadParameters(
                {"accounts": [f"{', '.join(odd)}: give twelve digits, or all."]},
                code="ValidationException",
            )
        document.permissions.filter(account_id__in=gone).delete()
        if EVERYONE in new:
            _check_public(document)
        for account in new:
            DocumentPermission.objects.update_or_create(
                document=document, account_id=account, defaults={"shared_version": version}
            )
        _check_sharing(document)


def _check_public(document: Document) -> None:
    """Sharing with everyone is not switched off, and not too much is shared so already."""
    # Documents are in all Regions of an account, so one Region that forbids it is enough.
    setting = "/ssm/documents/console/public-sharing-permission"
    if service_settings.is_set_anywhere(document.owner, setting, "Disable"):
        raise NotAllowed(
            f"Account {document.owner} does not share documents with everyone: {setting} is"
            " Disable."
        )
    public = DocumentPermission.objects.filter(
        document__owner=document.owner, account_id=EVERYONE
    ).exclude(document=document)
    if public.count() >= MOST_PUBLIC:
        raise Conflict(
            f"Account {document.owner} shares {MOST_PUBLIC} documents with everyone, the most that"
            " it can.",
            code="DocumentLimitExceeded",
        )


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


def delete(document: Document, *, by: User, wanted: str = "", name: str = "") -> None:
    """Delete a version (by number, alias or name) or the whole document.

    Not while it is shared, not its default version, and never what has run.
    """
    with asked(by, "ssm:DeleteDocument", document.arn("*")) as entry:
        _check(document, "ssm:DeleteDocument", by)
        entry.data = {"version": wanted or name or "all"}
        if not (wanted or name) and document.permissions.exists():
            raise _kept(f"{document.name} is shared; stop sharing it first.")
        try:
            # A start that holds a version ends first, and then protects it.
            list(document.versions.select_for_update().values_list("pk"))
            if wanted or name:
                _delete_version(find_version(document, wanted, name, by=by))
                return
            DocumentVersion.objects.filter(document=document).delete()
            attachments.forget_unused()
            Tag.objects.of(document.owner, ("Document", document.name)).delete()
            document.delete()
        except ProtectedError as error:
            raise _kept(
                f"Executions of {document.name} are in the history, which keeps what they ran."
            ) from error


def _delete_version(version: DocumentVersion) -> None:
    document = version.document
    if version.number == document.default_version:
        raise _kept(f"Version {version.number} is the default of {document.name}.")
    version.delete()
    attachments.forget_unused()
    latest = document.versions.order_by("-number").values_list("number", flat=True).first()
    Document.objects.filter(pk=document.pk).update(latest_version=latest, updated_at=clock.now())


def _kept(message: str) -> Conflict:
    return Conflict(message, code="InvalidDocumentOperation")


def _check(document: Document, action: str, by: User) -> None:
    """The person may, and the document is one of their account."""
    account = by.principal.account_id if by.principal else ""
    if document.owner != account or not by.has_perm(action, document.arn("*")):
        raise NotAllowed(f"You may not do {action} on the document {document.name}.")

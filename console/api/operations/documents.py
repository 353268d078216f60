"""Documents by the API: the life of a document, and what may be read of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db.models import F, Prefetch, Q

from console.api import shapes
from console.api.operations.base import (
    PREPARATIONS,
    Caller,
    Params,
    find_page,
    operation,
    refuse_given,
)
from console.api.operations.document_filters import filtered
from console.api.protocol import ApiError
from executions import library
from executions.errors import NotFound
from executions.library import changes
from executions.library.attachment_links import make_link
from executions.library.attachment_sources import Source, fetch
from executions.library.attachments import Given, checksums
from executions.models import Document, DocumentVersion
from executions.runbook.parse import dump, parse
from executions.runbook.types import DocumentRefused

NOT_YET = ("Requires", "CloudProviders")


@operation
def create_document(caller: Caller, params: Params) -> dict[str, Any]:
    """A new Automation document of the caller's account, with its tags."""
    if params.get("DocumentType", "Automation") != "Automation":
        raise ApiError(
            "ValidationException",
            f"Countersign has documents of type Automation, not {params['DocumentType']}.",
        )
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
    version = library.create(params["Name"], _draft(caller, params), by=caller.user, tags=tags)
    return {"DocumentDescription": shapes.document_description(version, caller.account_id)}


@operation
def update_document(caller: Caller, params: Params) -> dict[str, Any]:
    """A new version; the default stays."""
    version = changes.update(
        locate(caller, params["Name"], "ssm:UpdateDocument"),
        _draft(caller, params),
        by=caller.user,
        based_on=params.get("DocumentVersion", "$LATEST"),
    )
    return {"DocumentDescription": shapes.document_description(version, caller.account_id)}


def _fetch_attachments(action: str, caller: Caller, params: Params) -> Given:
    """What the request's Attachments are, read before anything is written."""
    sources = [
        Source(one.get("Key", ""), "".join(one.get("Values", [])), one.get("Name", ""))
        for one in params.get("Attachments", [])
    ]
    document = f"arn:aws:ssm:*:{caller.account_id}:document/{params['Name']}"
    if not sources or not caller.user.has_perm(action, document):
        return Given()
    return fetch(sources, wanted=_files_of(params["Content"]), region=caller.region, by=caller.user)


def _files_of(content: str) -> Iterable[str]:
    """The names under `files`; none of a text that is no runbook, which is told later."""
    try:
        return checksums(parse(content, "YAML"))
    except DocumentRefused:
        return ()


def _draft(caller: Caller, params: Params) -> library.Draft:
    refuse_given(params, NOT_YET, "ValidationException")
    fmt = params.get("DocumentFormat", "JSON")
    _check_format(fmt)
    return library.Draft(
        params["Content"],
        fmt,
        version_name=params.get("VersionName", ""),
        display_name=params.get("DisplayName", ""),
        target_type=params.get("TargetType"),
        attachments=caller.prepared,
    )


for _operation in ("CreateDocument", "UpdateDocument"):
    PREPARATIONS[_operation] = partial(_fetch_attachments, f"ssm:{_operation}")


def _check_format(fmt: str) -> None:
    if fmt not in {"JSON", "YAML"}:
        raise ApiError("ValidationException", f"An Automation document is JSON or YAML, not {fmt}.")


@operation
def update_document_default_version(caller: Caller, params: Params) -> dict[str, Any]:
    """Another default version."""
    document = locate(caller, params["Name"], "ssm:UpdateDocumentDefaultVersion")
    version = changes.set_default(document, params["DocumentVersion"], by=caller.user)
    return {
        "Description": {
            "Name": document.name,
            "DefaultVersion": str(version.number),
            "DefaultVersionName": version.version_name or None,
        }
    }


@operation
def describe_document(caller: Caller, params: Params) -> dict[str, Any]:
    """Everything but the text."""
    version = _find_version(caller, params, "ssm:DescribeDocument")
    return {"Document": shapes.document_description(version, caller.account_id)}


@operation
def get_document(caller: Caller, params: Params) -> dict[str, Any]:
    """The text: as it was stored, or converted if the other format is wanted."""
    version = _find_version(caller, params, "ssm:GetDocument")
    wanted = params.get("DocumentFormat", version.format)
    _check_format(wanted)
    content = version.content
    if wanted != version.format:
        content = dump(library.runbook(version).data, "JSON" if wanted == "JSON" else "YAML")
    return {
        "Name": version.document.name,
        "CreatedDate": version.created_at,
        "DisplayName": version.display_name or None,
        "VersionName": version.version_name or None,
        "DocumentVersion": str(version.number),
        "Status": "Active",
        "Content": content,
        "DocumentType": "Automation",
        "DocumentFormat": wanted,
        "AttachmentsContent": _attachments_content(caller, version),
    }


def _attachments_content(caller: Caller, version: DocumentVersion) -> list[dict[str, Any]] | None:
    """AttachmentsContent, with links that are good for an hour."""
    if not library.runbook(version).files:
        return None
    return [
        {
            "Name": one.name,
            "Size": one.size,
            "Hash": one.sha256,
            "HashType": "Sha256",
            "Url": caller.origin + make_link(one, region=caller.region, by=caller.user),
        }
        for one in version.attachments.all()
    ]


@operation
def list_documents(caller: Caller, params: Params) -> dict[str, Any]:
    """The documents that the caller's account can use, by name."""
    caller.require("ssm:ListDocuments")
    page = find_page(caller, "ListDocuments", params)
    found = filtered(caller, params)
    if page.position:
        name, pk = page.position
        found = found.filter(Q(name__gt=name) | Q(name=name, pk__gt=pk))
    default = DocumentVersion.objects.filter(number=F("document__default_version"))
    rows = found.order_by("name", "pk").prefetch_related(Prefetch("versions", default))
    shown, token = page.cut(list(rows[: page.size + 1]), lambda row: [row.name, row.pk])
    return {
        "DocumentIdentifiers": [
            shapes.document_identifier(row.versions.all()[0], caller.account_id) for row in shown
        ],
        "NextToken": token,
    }


@operation
def list_document_versions(caller: Caller, params: Params) -> dict[str, Any]:
    """The versions of a document that the caller's account can use, the newest first."""
    document = find(caller, params["Name"], "ssm:ListDocumentVersions")
    page = find_page(caller, "ListDocumentVersions", params)
    found = document.versions_for(caller.account_id)
    if page.position:
        found = found.filter(number__lt=page.position)
    shown, token = page.cut(list(found.defer("content")[: page.size + 1]), lambda row: row.number)
    return {
        "DocumentVersions": [shapes.document_version(row, document) for row in shown],
        "NextToken": token,
    }


@operation
def delete_document(caller: Caller, params: Params) -> dict[str, Any]:
    """Delete a document, or one version of it."""
    changes.delete(
        locate(caller, params["Name"], "ssm:DeleteDocument"),
        by=caller.user,
        wanted=params.get("DocumentVersion", ""),
        name=params.get("VersionName", ""),
    )
    return {}


def locate(caller: Caller, name: str, action: str) -> Document:
    """A document by name or ARN, for a verb that checks the right to it and journals its answer.

    If there is none, whoever has no right to it learns only that.
    """
    try:
        return library.locate(name, region=caller.region, by=caller.user)
    except NotFound:
        arn = name if name.startswith("arn:") else caller.resource("document", name)
        caller.require(action, arn)
        raise


def find(caller: Caller, name: str, action: str) -> Document:
    """A document by name or ARN that the caller may read with the action."""
    document = locate(caller, name, action)
    caller.require(action, document.arn(caller.region))
    return document


def _find_version(caller: Caller, params: Params, action: str) -> DocumentVersion:
    """The version that DocumentVersion or VersionName names; the default if neither does."""
    return changes.find_version(
        find(caller, params["Name"], action),
        params.get("DocumentVersion", ""),
        params.get("VersionName", ""),
        by=caller.user,
    )

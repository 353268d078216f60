"""Documents by the API: the life of a document, and what may be read of it."""

from __future__ import annotations

from typing import Any

from console.api import shapes
from console.api.operations.base import PAGE, Caller, Params, operation, page_position, page_token
from console.api.operations.document_filters import filtered
from console.api.protocol import ApiError
from executions import library
from executions.errors import NotAllowed, NotFound
from executions.library import changes
from executions.models import Document, DocumentVersion
from executions.runbook.parse import dump


@operation
def create_document(caller: Caller, params: Params) -> dict[str, Any]:
    """A new Automation document of the caller's account, with its tags."""
    _only_automation(params)
    draft = _draft(params, params.get("DocumentFormat", "JSON"))
    version = library.create(
        params["Name"], draft, by=caller.user, tags=_pairs(params.get("Tags", []))
    )
    return {"DocumentDescription": shapes.document_description(version, caller.account_id)}


def _only_automation(params: Params) -> None:
    if params.get("DocumentType", "Automation") != "Automation":
        raise ApiError(
            "ValidationException",
            f"Countersign has documents of type Automation, not {params['DocumentType']}.",
        )
    if refused := sorted(name for name in ("Attachments", "Requires") if params.get(name)):
        raise ApiError("ValidationException", f"Countersign does not take {refused[0]} yet.")


def _draft(params: Params, fmt: str) -> library.Draft:
    if fmt not in {"JSON", "YAML"}:
        raise ApiError("ValidationException", f"An Automation document is JSON or YAML, not {fmt}.")
    return library.Draft(
        params["Content"],
        fmt,
        version_name=params.get("VersionName", ""),
        display_name=params.get("DisplayName", ""),
        target_type=params.get("TargetType"),
    )


def _pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


@operation
def update_document(caller: Caller, params: Params) -> dict[str, Any]:
    """A new version; the default stays."""
    document = find(caller, params["Name"])
    if params.get("Attachments"):
        raise ApiError("ValidationException", "Countersign does not take Attachments yet.")
    version = changes.update(
        document,
        _draft(params, params.get("DocumentFormat", "JSON")),
        by=caller.user,
        based_on=params.get("DocumentVersion", "$LATEST"),
    )
    return {"DocumentDescription": shapes.document_description(version, caller.account_id)}


@operation
def update_document_default_version(caller: Caller, params: Params) -> dict[str, Any]:
    """Another default version."""
    document = find(caller, params["Name"])
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
    version = find_version(caller, params, "ssm:DescribeDocument")
    return {"Document": shapes.document_description(version, caller.account_id)}


@operation
def get_document(caller: Caller, params: Params) -> dict[str, Any]:
    """The text: as it was stored, or converted if the other format is wanted."""
    version = find_version(caller, params, "ssm:GetDocument")
    wanted = params.get("DocumentFormat", version.format)
    if wanted not in {"JSON", "YAML"}:
        raise ApiError("ValidationException", f"A document is JSON or YAML, not {wanted}.")
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
    }


@operation
def list_documents(caller: Caller, params: Params) -> dict[str, Any]:
    """The documents that the caller can start, by name."""
    if not caller.user.has_perm("ssm:ListDocuments", "*"):
        raise NotAllowed("You may not list documents.")
    filters = [[one["Key"], one["Values"]] for one in params.get("Filters", [])]
    filters += [[one["key"], [one["value"]]] for one in params.get("DocumentFilterList", [])]
    found = filtered(caller, filters)
    position = page_position(caller, "ListDocuments", filters, params.get("NextToken"))
    if position:
        found = found.filter(name__gt=position)
    size = params.get("MaxResults", PAGE)
    rows = list(found.order_by("name", "id")[: size + 1])
    answer: dict[str, Any] = {
        "DocumentIdentifiers": [
            shapes.document_identifier(row, caller.account_id) for row in rows[:size]
        ]
    }
    if len(rows) > size:
        name = rows[size - 1].name
        answer["NextToken"] = page_token(caller, "ListDocuments", filters, name)
    return answer


@operation
def list_document_versions(caller: Caller, params: Params) -> dict[str, Any]:
    """All versions of a document, the newest first."""
    document = find(caller, params["Name"])
    _require(caller, "ssm:ListDocumentVersions", document)
    name = "ListDocumentVersions"
    position = page_position(caller, name, document.pk, params.get("NextToken"))
    found = document.versions.all()
    if position:
        found = found.filter(number__lt=position)
    size = params.get("MaxResults", PAGE)
    rows = list(found[: size + 1])
    answer: dict[str, Any] = {
        "DocumentVersions": [shapes.document_version(row, document) for row in rows[:size]]
    }
    if len(rows) > size:
        answer["NextToken"] = page_token(caller, name, document.pk, rows[size - 1].number)
    return answer


@operation
def delete_document(caller: Caller, params: Params) -> dict[str, Any]:
    """Delete a document, or one version of it."""
    document = find(caller, params["Name"])
    named = params.get("DocumentVersion") or params.get("VersionName")
    version = find_version(caller, params, "ssm:DeleteDocument") if named else None
    changes.delete(document, by=caller.user, version=version)
    return {}


def find(caller: Caller, name: str) -> Document:
    """A document by name or ARN; InvalidDocument if the caller knows of none."""
    return library.find_named(name, region=caller.region, by=caller.user)


def find_version(caller: Caller, params: Params, action: str) -> DocumentVersion:
    """The version that DocumentVersion or VersionName names; the default if neither does."""
    document = find(caller, params["Name"])
    _require(caller, action, document)
    try:
        if name := params.get("VersionName"):
            return document.versions.get(version_name=name)
        return document.version(params.get("DocumentVersion", "$DEFAULT"))
    except DocumentVersion.DoesNotExist as missing:
        raise NotFound(
            f"{document.name} has no such version.", code="InvalidDocumentVersion"
        ) from missing


def _require(caller: Caller, action: str, document: Document) -> None:
    if not caller.user.has_perm(action, document.arn(caller.region)):
        raise NotAllowed(f"You may not do {action} on {document.name}.")

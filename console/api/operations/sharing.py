"""Who else may use a document."""

from __future__ import annotations

from typing import Any

from console.api.operations.base import Caller, Params, find_page, operation
from console.api.operations.documents import find, locate
from executions.errors import NotAllowed
from executions.library import changes

PAGE = 200


@operation
def modify_document_permission(caller: Caller, params: Params) -> dict[str, Any]:
    """Share with accounts, or stop."""
    changes.share(
        locate(caller, params["Name"], "ssm:ModifyDocumentPermission"),
        add=params.get("AccountIdsToAdd", []),
        remove=params.get("AccountIdsToRemove", []),
        version=params.get("SharedDocumentVersion", "$DEFAULT"),
        by=caller.user,
    )
    return {}


@operation
def describe_document_permission(caller: Caller, params: Params) -> dict[str, Any]:
    """The accounts that a document of the caller's is shared with."""
    document = find(caller, params["Name"], "ssm:DescribeDocumentPermission")
    if document.owner != caller.account_id:
        raise NotAllowed(f"Only its owner sees with whom {document.name} is shared.")
    page = find_page(caller, "DescribeDocumentPermission", params, PAGE)
    found = document.permissions.filter(account_id__gt=page.position or "")
    shown, token = page.cut(list(found[: page.size + 1]), lambda row: row.account_id)
    return {
        "AccountIds": [row.account_id for row in shown],
        "AccountSharingInfoList": [
            {"AccountId": row.account_id, "SharedDocumentVersion": row.shared_version}
            for row in shown
        ],
        "NextToken": token,
    }

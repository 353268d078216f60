"""Who else may use a document."""

from __future__ import annotations

from typing import Any

from console.api.operations.base import Caller, Params, operation, page_position, page_token
from console.api.operations.documents import find
from executions.errors import NotAllowed
from executions.library import changes

PAGE = 200


@operation
def modify_document_permission(caller: Caller, params: Params) -> dict[str, Any]:
    """Share with accounts, or stop."""
    changes.share(
        find(caller, params["Name"]),
        add=params.get("AccountIdsToAdd", []),
        remove=params.get("AccountIdsToRemove", []),
        version=params.get("SharedDocumentVersion", "$DEFAULT"),
        by=caller.user,
    )
    return {}


@operation
def describe_document_permission(caller: Caller, params: Params) -> dict[str, Any]:
    """The accounts that a document of the caller's is shared with."""
    document = find(caller, params["Name"])
    arn = document.arn(caller.region)
    if document.owner != caller.account_id or not caller.user.has_perm(
        "ssm:DescribeDocumentPermission", arn
    ):
        raise NotAllowed(f"You may not see with whom {document.name} is shared.")
    name = "DescribeDocumentPermission"
    position = page_position(caller, name, document.pk, params.get("NextToken"))
    found = document.permissions.filter(account_id__gt=position or "")
    size = params.get("MaxResults", PAGE)
    rows = list(found[: size + 1])
    shown = rows[:size]
    answer: dict[str, Any] = {
        "AccountIds": [row.account_id for row in shown],
        "AccountSharingInfoList": [
            {"AccountId": row.account_id, "SharedDocumentVersion": row.shared_version}
            for row in shown
        ],
    }
    if len(rows) > size:
        answer["NextToken"] = page_token(caller, name, document.pk, shown[-1].account_id)
    return answer

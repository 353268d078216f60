"""What a person may do to a document: for buttons, and before a form is shown at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executions.errors import NotAllowed
from executions.models import Document

if TYPE_CHECKING:
    from console.iam.models import User

# Our short names of the IAM actions; all but the first are for documents of one's own account.
ACTIONS: Final = {
    "create": "ssm:CreateDocument",
    "update": "ssm:UpdateDocument",
    "set_default": "ssm:UpdateDocumentDefaultVersion",
    "delete": "ssm:DeleteDocument",
    "share": "ssm:ModifyDocumentPermission",
    "see_sharing": "ssm:DescribeDocumentPermission",
    "see_tags": "ssm:ListTagsForResource",
    "add_tags": "ssm:AddTagsToResource",
    "remove_tags": "ssm:RemoveTagsFromResource",
}


def rights(user: User, document: Document) -> dict[str, bool]:
    """By short name, whether the person may. The verbs ask again."""
    account = user.principal.account_id if user.principal else ""
    own = document.owner == account
    arn = document.arn("*")
    may = {name: own and user.has_perm(action, arn) for name, action in ACTIONS.items()}
    return may | {"create": may_create(user)}


def may_create(user: User) -> bool:
    """Whether the person may create a document of some name in their account."""
    account = user.principal.account_id if user.principal else ""
    return user.has_perm(ACTIONS["create"], Document(owner=account, name="*").arn("*"))


def require(user: User, name: str, document: Document) -> None:
    """Refuse, with the document's name, unless the person may."""
    if not rights(user, document)[name]:
        raise NotAllowed(f"You may not do {ACTIONS[name]} on the document {document.name}.")

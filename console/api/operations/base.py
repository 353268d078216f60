"""What operations share: the caller, the table of operations, and page tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.core import signing

from console.api.protocol import ApiError

if TYPE_CHECKING:
    from console.iam.models import User

PAGE: Final = 50
SALT: Final = "countersign.api.page"
Params: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a person acting as a key's principal, for a Region."""

    user: User
    account_id: str
    region: str
    signature: str = ""

    @property
    def arn(self) -> str:
        """The principal's ARN."""
        return self.user.principal.arn if self.user.principal else ""


Operation: TypeAlias = Callable[[Caller, Params], Mapping[str, Any]]
OPERATIONS: Final[dict[str, Operation]] = {}


def operation(function: Operation) -> Operation:
    """Register a function under the operation's name: get_document answers GetDocument."""
    name = "".join(part.capitalize() for part in function.__name__.split("_"))
    OPERATIONS[name] = function
    return function


def page_token(caller: Caller, operation: str, filters: Any, position: Any) -> str:
    """An opaque token that continues this very list for this very caller."""
    return signing.dumps([caller.arn, caller.region, operation, filters, position], salt=SALT)


def page_position(caller: Caller, operation: str, filters: Any, token: str | None) -> Any:
    """Where a token continues; InvalidNextToken if it is forged, or of another list or caller."""
    if token is None:
        return None
    try:
        *owner, position = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise ApiError("InvalidNextToken", "The token is not one of this list.") from error
    if owner != [caller.arn, caller.region, operation, filters]:
        raise ApiError("InvalidNextToken", "The token is of another list or caller.")
    return position

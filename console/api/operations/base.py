"""What operations share: the caller, the table of operations, and pages of lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from django.core import signing

from console.api.protocol import ApiError
from executions.errors import NotAllowed

if TYPE_CHECKING:
    from console.iam.models import User

PAGE: Final = 50
SALT: Final = "countersign.api.page"
T = TypeVar("T")
Params: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a person acting as a key's principal, for a Region."""

    user: User
    account_id: str
    region: str
    signature: str = ""
    origin: str = ""  # of the links in answers, such as https://countersign.example.com
    prepared: Any = None  # what the operation's preparation made

    @property
    def arn(self) -> str:
        """The principal's ARN."""
        return self.user.principal.arn if self.user.principal else ""

    def resource(self, kind: str, name: str) -> str:
        """The ARN of something of the caller's account and Region."""
        return f"arn:aws:ssm:{self.region}:{self.account_id}:{kind}/{name}"

    def require(self, action: str, resource: str = "*") -> None:
        """NotAllowed in AWS's words if the caller's policies do not allow the action there."""
        if not self.user.has_perm(action, resource):
            raise NotAllowed(
                f"User: {self.arn} is not authorized to perform: {action} on resource: {resource}"
            )


Operation: TypeAlias = Callable[[Caller, Params], Mapping[str, Any]]
Preparation: TypeAlias = Callable[[Caller, Params], Any]
OPERATIONS: Final[dict[str, Operation]] = {}
PREPARATIONS: Final[dict[str, Preparation]] = {}


def operation(function: Operation) -> Operation:
    """Register a function under the operation's name: get_document answers GetDocument."""
    name = "".join(part.capitalize() for part in function.__name__.split("_"))
    OPERATIONS[name] = function
    return function


def prepare(operation: str, caller: Caller, params: Params) -> Caller:
    """The caller, with what has to be read from AWS before the operation's transaction begins."""
    preparation = PREPARATIONS.get(operation)
    return replace(caller, prepared=preparation(caller, params)) if preparation else caller


def refuse_given(params: Params, names: Sequence[str], code: str) -> None:
    """What Countersign does not have is refused by its name, never ignored."""
    if given := [name for name in names if params.get(name)]:
        raise ApiError(code, f"Countersign does not take {', '.join(given)} yet.")


@dataclass(frozen=True, slots=True)
class Page:
    """A page that a caller asks for: where it begins (None: at the beginning) and its size."""

    bound_to: str
    position: Any
    size: int

    def cut(self, rows: Sequence[T], key: Callable[[T], Any]) -> tuple[Sequence[T], str | None]:
        """The page of rows that begin at its position, and the token of the next, if there is one.

        `rows` should hold one row more than the page; `key` gives the position after a row.
        """
        shown = rows[: self.size]
        return shown, self.token(key(shown[-1])) if len(rows) > self.size else None

    def token(self, position: Any) -> str:
        """An opaque, signed token that continues this very list of this very caller."""
        return signing.dumps([self.bound_to, position], salt=SALT)


def find_page(caller: Caller, operation: str, params: Params, size: int = PAGE) -> Page:
    """The page that NextToken and MaxResults name.

    InvalidNextToken if the token is forged, or of another caller, Region, operation or request.
    """
    asked = {name: params[name] for name in params.keys() - {"NextToken", "MaxResults"}}
    bound = [caller.arn, caller.region, operation, asked]
    bound_to = hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).hexdigest()
    size = params.get("MaxResults", size)
    if "NextToken" not in params:
        return Page(bound_to, None, size)
    try:
        token_bound_to, position = signing.loads(params["NextToken"], salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise ApiError("InvalidNextToken", "The token is not one of this list.") from error
    if token_bound_to != bound_to:
        raise ApiError("InvalidNextToken", "The token is of another list or caller.")
    return Page(bound_to, position, size)

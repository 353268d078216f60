"""What a verb answers when it does not do as asked.

    Refused                a sentence for people, an HTTP status, and AWS's name for it
    ├── NotAllowed         403  the principal may not
    ├── NotFound           404  there is no such thing, or it is not theirs to know of
    ├── BadParameters      400  what was given cannot be used; messages by field
    └── Conflict           409  not now: the state does not admit it

A refusal leaves nothing behind but its journal entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain


class Refused(Exception):
    """The base; `code` is the AWS exception that the SSM API answers with."""

    status = 400
    code = "ValidationException"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class NotAllowed(Refused):
    """The principal may not do this."""

    status = 403
    code = "AccessDeniedException"


class NotFound(Refused):
    """No such thing."""

    status = 404
    code = "ResourceNotFoundException"


class BadParameters(Refused):
    """Messages by field; the empty field is for what belongs to none."""

    code = "InvalidAutomationExecutionParametersException"

    def __init__(self, fields: Mapping[str, Sequence[str]], *, code: str = "") -> None:
        self.fields = {name: list(messages) for name, messages in fields.items()}
        super().__init__(" ".join(chain.from_iterable(self.fields.values())), code=code)


class Conflict(Refused):
    """The state does not admit it."""

    status = 409
    code = "InvalidAutomationSignalException"

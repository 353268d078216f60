"""From a received request to an answer: who signed it, what it asks, and what came of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError

from console.api import protocol, sigv4
from console.api.operations import OPERATIONS
from console.api.operations.base import Caller, Operation
from console.api.protocol import ApiError
from console.iam import keys
from console.iam.models import AccessKey
from executions import clock
from executions.errors import Refused

if TYPE_CHECKING:
    from console.api.sigv4 import Received

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes


def answer(received: Received) -> Answer:
    """The one way in. Whatever a client sends, it is answered in AWS's form."""
    try:
        caller = _caller(received)
        request = protocol.parse(
            received.one("x-amz-target"), received.one("content-type"), received.body
        )
        result = _operation(request.operation)(caller, request.params)
        return Answer(200, protocol.write(request.operation, result))
    except sigv4.Unsigned as refusal:
        error = ApiError(refusal.code, str(refusal))
    except ApiError as refusal:
        error = refusal
    except Refused as refusal:
        error = ApiError(refusal.code, refusal.message)
    except DatabaseError:
        logger.exception("The database failed a request of the SSM API.")
        error = ApiError("InternalServerError", "The database did not answer; try again.", 500)
    return Answer(error.status, protocol.write_error(error))


def _operation(name: str) -> Operation:
    if name not in OPERATIONS:
        raise ApiError(
            "UnknownOperationException",
            f"Countersign does not have {name}; docs/api.md lists what it has.",
        )
    return OPERATIONS[name]


def _caller(received: Received) -> Caller:
    """The person behind the signature, acting as the key's principal."""
    found: list[AccessKey] = []

    def secret_of(key_id: str) -> str | None:
        key = keys.find(key_id)
        if key is None:
            return None
        found.append(key)
        return keys.secret_of(key)

    signed = sigv4.verify(received, secret_of, clock.now())
    key = found[0]
    user = key.principal.user
    user.act_as(key.principal.arn)
    keys.note_use(key)
    return Caller(user, key.principal.account_id, signed.region, signed.signature)

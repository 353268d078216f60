"""From a received request to an answer: who signed it, what it asks, and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from django.db import transaction

from console.api import protocol, sigv4
from console.api.models import SignedRequest
from console.api.operations import OPERATIONS
from console.api.operations.base import Caller
from console.api.protocol import ApiError, Request
from console.iam import keys
from console.iam.models import AccessKey
from executions import clock
from executions.errors import Refused

if TYPE_CHECKING:
    from console.api.sigv4 import Received

READS: Final = ("Describe", "Get", "List")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body, and the id by which our log knows the request."""

    status: int
    body: bytes
    request_id: str


def answer(received: Received) -> Answer:
    """The one way in. Whatever a client sends, it is answered in AWS's form."""
    request_id = str(uuid4())
    try:
        caller = _caller(received)
        request = protocol.parse(
            received.one("x-amz-target"), received.one("content-type"), received.body
        )
        body = protocol.write(request.operation, _carry_out(request, caller))
        return Answer(200, body, request_id)
    except sigv4.Unsigned as refusal:
        error = ApiError(refusal.code, str(refusal))
    except ApiError as refusal:
        error = refusal
    except Refused as refusal:
        error = ApiError(refusal.code, refusal.message)
    except Exception:  # noqa: BLE001 - the outermost edge: a client is owed an answer in AWS's form
        logger.exception("Request %s of the SSM API failed.", request_id)
        error = ApiError("InternalServerError", f"Countersign failed; its log says how: {request_id}.", 500)
    return Answer(error.status, protocol.write_error(error), request_id)


def _carry_out(request: Request, caller: Caller) -> Mapping[str, Any]:
    """What the operation answers. A signature is good for one change."""
    if request.operation not in OPERATIONS:
        raise ApiError(
            "UnknownOperationException",
            f"Countersign does not have {request.operation}; docs/api.md lists what it has.",
        )
    operation = OPERATIONS[request.operation]
    if request.operation.startswith(READS):
        return operation(caller, request.params)
    with transaction.atomic():
        if not SignedRequest.objects.use(caller.signature):
            raise sigv4.Unsigned(
                "InvalidSignatureException", "This request was used before; sign another one."
            )
        try:
            return operation(caller, request.params)
        except (ApiError, Refused) as refusal:
            # The verb has taken its effects back; that it was refused stays in the journal.
            outcome = refusal
    raise outcome


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
    user.act_as_loaded(key.principal)
    if keys.note_use(key):
        SignedRequest.objects.forget_old()
    return Caller(user, key.principal.account_id, signed.region, signed.signature)

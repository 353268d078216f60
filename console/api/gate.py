"""From a received request to an answer: who signed it, what it asks, and what came of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction

from console.api import protocol, sigv4
from console.api.models import SignedRequest
from console.api.operations import OPERATIONS
from console.api.operations.base import Caller, prepare
from console.api.protocol import ApiError, Request
from console.iam import keys
from console.iam.keys import Bearer
from executions import clock
from executions.errors import Refused

if TYPE_CHECKING:
    from console.api.sigv4 import Received

READS: Final = ("Describe", "Get", "List")
logger = logging.getLogger(__name__)
_one_writer = threading.Lock()


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
        result = _carry_out(request, caller, _sent_as(received))
        body = protocol.write(request.operation, result)
        return Answer(200, body, request_id)
    except sigv4.Unsigned as refusal:
        error = ApiError(refusal.code, str(refusal))
    except ApiError as refusal:
        error = refusal
    except Refused as refusal:
        error = ApiError(refusal.code, refusal.message)
    except Exception:  # The outermost edge: a client is owed an answer in AWS's form.
        logger.exception("Request %s of the SSM API failed.", request_id)
        error = ApiError(
            "InternalServerError", f"Countersign failed; its log has request {request_id}.", 500
        )
    return Answer(error.status, protocol.write_error(error), request_id)


def _turn() -> AbstractContextManager[Any]:
    """SQLite has one writer, and makes others sleep before they try again: here they queue."""
    return _one_writer if connection.vendor == "sqlite" else nullcontext()


def _sent_as(received: Received) -> str:
    """What an SDK adds to a request after it was signed: an id, and the number of the attempt."""
    names = ("amz-sdk-invocation-id", "amz-sdk-request")
    return " ".join(received.one(name) for name in names)[:128]


def _carry_out(request: Request, caller: Caller, sent_as: str) -> Mapping[str, Any]:
    """What the operation answers. A signed request is good for one change."""
    if request.operation not in OPERATIONS:
        raise ApiError(
            "UnknownOperationException",
            f"Countersign does not have {request.operation}; docs/api.md lists what it has.",
        )
    operation = OPERATIONS[request.operation]
    if request.operation.startswith(READS):
        return operation(caller, request.params)
    caller = prepare(request.operation, caller, request.params)
    with _turn(), transaction.atomic():
        if not SignedRequest.objects.use(caller.signature, sent_as):
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
    found: list[Bearer] = []

    def secret_of(key_id: str) -> str | None:
        bearer = keys.find(key_id)
        if bearer is None:
            return None
        found.append(bearer)
        return keys.secret_of(bearer)

    signed = sigv4.verify(received, secret_of, clock.now())
    (bearer,) = found
    if keys.note_use(bearer):
        SignedRequest.objects.forget_old()
    principal = bearer.user.principal
    account = principal.account_id if principal else ""
    origin = f"{'https' if settings.HTTPS else 'http'}://{received.one('host')}"
    return Caller(bearer.user, account, signed.region, signed.signature, origin)

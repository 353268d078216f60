"""The WSGI application: every AWS service at one endpoint, and the /sim/ pages beside it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from console.simulator import calls, commands, ec2, faults, images, volumes
from console.simulator.agenda import Agenda
from console.simulator.answers import Answer, RefusedError, read_error_code, write_error
from console.simulator.calls import Call, CallLog
from console.simulator.control import Control, is_own_page
from console.simulator.extensions import Extensions, Tools
from console.simulator.faults import Fault, FaultBook
from console.simulator.identity import HUB_ACCOUNT, Identities, refuse_unknown_key
from console.simulator.lag import Past
from console.simulator.line import ClientLine
from console.simulator.tokens import Tokens
from console.simulator.transitions import Transitions
from console.simulator.wire import AwsRequest, read_request, rewind

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

# Calls that wait inside moto for another call: under the lock they would wait for ever.
WAITING = frozenset(
    {
        ("sqs", "ReceiveMessage"),
        ("stepfunctions", "GetActivityTask"),
        ("stepfunctions", "StartSyncExecution"),
        ("lambda", "Invoke"),
    }
)

# A defect of moto is an answer of the simulated account, not its end.
MOTO_DEFECTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RecursionError,
    TypeError,
    ValueError,
)


class Simulator:
    """One simulated AWS, several accounts. time_scale 1 is believable, 0.02 is for tests."""

    def __init__(self, time_scale: float) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        # moto's models are plain Python objects: one call at a time may touch them.
        self._lock = threading.RLock()
        self.calls = CallLog()
        self.faults = FaultBook()
        self._past = Past(self._act_as_copy)
        self._tokens = Tokens()
        self._control = Control(self.calls, self.faults, time_scale)
        self._identities = Identities()
        self._transitions = Transitions(time_scale)
        self._agenda = Agenda(time_scale)
        self._identities.install()
        ec2.install(self._transitions)
        images.install(self._agenda, self._transitions)
        volumes.install(self._agenda)
        self._commands = commands.install(self._transitions, self._lock, time_scale)
        tools = Tools(self._agenda, self._identities, self._lock)
        self.extensions = Extensions(tools)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if is_own_page(path):
            answer = self._control.answer(environ) or self._ask_moto(environ)
        else:
            answer = self._answer_aws(environ)
        headers = list(answer.headers)
        if environ["REQUEST_METHOD"] != "HEAD":  # there the length is of what GET would bring
            headers = [(k, v) for k, v in headers if k.lower() != "content-length"]
            headers.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} {_phrase(answer.status)}", headers)
        return [answer.body]

    def _answer_aws(self, environ: WSGIEnvironment) -> Answer:
        request = read_request(environ, self._moto)
        call = self._open_call(request)
        calls.enter(call)

        def act() -> Answer:
            return self._act(environ, request, call)

        with self._lock:  # no copy is forgotten between the last turn of a lag and its answer
            fault = self.faults.take(call)
            call.fault = fault.kind if fault else None
            answer = self._answer_late(environ, request, call, fault)
        if answer is None and fault is not None:
            line = ClientLine(environ.get("werkzeug.socket"))
            answer = faults.perform(fault, request.style, act, line)
        answer = answer or act()
        call.error_code = read_error_code(answer)
        call.status = answer.status
        return answer

    def _answer_late(
        self, environ: WSGIEnvironment, request: AwsRequest, call: Call, fault: Fault | None
    ) -> Answer | None:
        """What a lagging read shows, if that is not how things are."""
        if fault is None or fault.kind != faults.LAG:
            return None
        copy = self._past.find(fault.seconds or 0)
        return copy.ask(environ, request.body, call) if copy else None

    def _act_as_copy(self, environ: WSGIEnvironment, call: Call) -> Answer:
        """Perform a lagging read, in a process that is a copy of this one."""
        calls.enter(call)
        return self._act(environ, read_request(environ, self._moto), call)

    def _open_call(self, request: AwsRequest) -> Call:
        with self._lock:
            caller = self._identities.find(request.access_key)
        return self.calls.open(
            at=datetime.now(UTC).isoformat(),
            service=request.service,
            operation=request.operation,
            parameters=request.parameters,
            account=caller.account if caller else HUB_ACCOUNT,
            region=request.region,
            principal=caller.arn if caller else "",
            access_key=request.access_key,
            client_token=request.client_token,
            body_sha256=sha256(request.body).hexdigest(),
            user_agent=request.user_agent,
        )

    def _act(self, environ: WSGIEnvironment, request: AwsRequest, call: Call) -> Answer:
        """Perform the call on the simulated account; its refusals are answers."""
        try:
            if not call.principal:
                raise refuse_unknown_key(request.style)
            if not request.served:
                raise _not_served(request)
            with self._lock:
                self.extensions.prepare(request.service)
            rewind(environ, request.body)
            answer = self._perform(environ, request, call.account)
            if _is_unrouted(request, answer):
                raise _not_served(request)
            return answer
        except RefusedError as refused:
            return write_error(request.style, refused.code, refused.message, refused.status)
        except NotImplementedError as gap:
            missing = _not_served(request, str(gap))
            return write_error(request.style, missing.code, missing.message, missing.status)
        except MOTO_DEFECTS:
            log.exception("moto failed on %s %s", request.service, request.operation)
            message = "The simulated account failed on this call; its log has the reason."
            return write_error(request.style, "InternalFailure", message, 500)

    def _perform(self, environ: WSGIEnvironment, request: AwsRequest, account: str) -> Answer:
        waits = (request.service, request.operation) in WAITING

        def act() -> Answer:
            self._keep_past(request.operation)
            answer = self._ask_moto(environ, waits)
            if answer.status < HTTPStatus.BAD_REQUEST:
                calls.record_success()
            return answer

        if waits:
            return act()
        with self._lock:
            return self._tokens.answer(request, account, act)

    def _keep_past(self, operation: str) -> None:
        """Before a change: keep a copy of what is, if a read may lag."""
        if calls.READS.match(operation):
            return
        with self._lock:
            if self.faults.has_lags():
                self._past.keep()
            else:
                self._past.forget()

    def _ask_moto(self, environ: WSGIEnvironment, waits: bool = False) -> Answer:
        if waits:
            return self._run_moto(environ)
        with self._lock:
            self._transitions.settle()
            self._agenda.settle()
            self._commands.sweep()
            return self._run_moto(environ)

    def _run_moto(self, environ: WSGIEnvironment) -> Answer:
        body, status, headers = run_wsgi_app(self._moto, environ, buffered=True)
        return Answer(int(status.split()[0]), tuple(headers), b"".join(body))


def _is_unrouted(request: AwsRequest, answer: Answer) -> bool:
    """Whether moto had no route for this: it sent a page for people, or nothing at all."""
    if request.service == "s3" or answer.status not in (404, 405):
        return False
    return not answer.body or answer.body[:9].lower() == b"<!doctype"


def _not_served(request: AwsRequest, reason: str = "") -> RefusedError:
    name = f"{request.service}:{request.operation or 'unknown operation'}"
    message = f"The simulated account does not have {name}. {reason}".strip()
    if request.style == "json":
        return RefusedError("UnknownOperationException", message)
    return RefusedError("NotImplemented" if request.style == "s3" else "InvalidAction", message)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Error"

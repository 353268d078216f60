"""The log of every AWS call that arrived: the only judge of what was asked and what it did."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any, Final

CAPACITY = 50_000  # about 50 MB; the oldest calls fall out first
FILTERS = (
    "service",
    "operation",
    "account",
    "region",
    "principal",
    "access_key",
    "client_token",
    "fault",
    "error_code",
)

# Operations that change nothing, and those that only lend a session.
READS: Final = re.compile(
    r"(Describe|Get|List|Head|Search|Lookup|Check|Validate|Simulate|BatchGet|Assume)(?![a-z])"
)
# Operations whose simulation notes itself what they changed; they may have changed nothing.
NOTED: Final = {
    "cloudformation": frozenset({"CreateStack", "UpdateStack", "DeleteStack"}),
    "ec2": frozenset(
        {
            *("RunInstances", "StartInstances", "StopInstances", "RebootInstances"),
            *("TerminateInstances", "CreateImage", "CopyImage"),
        }
    ),
    "lambda": frozenset({"Invoke"}),
    "ssm": frozenset({"SendCommand"}),
    "stepfunctions": frozenset({"StartExecution", "StopExecution"}),
}


@dataclass
class Call:
    """One AWS call. `status` stays None until answered, and for a dropped connection for ever.

    `changed`: whether it really changed anything. One that found everything there already, was
    refused, or repeated a client token, did not. `effective` names the instances, stacks and other
    things that it changed, where the simulation of its operation notes them (NOTED).
    """

    sequence: int
    at: str
    service: str
    operation: str
    parameters: dict[str, Any]
    account: str
    region: str
    principal: str
    access_key: str
    client_token: str | None
    body_sha256: str
    user_agent: str
    status: int | None = None
    error_code: str | None = None
    fault: str | None = None
    changed: bool = False
    effective: list[str] = field(default_factory=list)


_current: ContextVar[Call | None] = ContextVar("simulator_call", default=None)


def enter(call: Call) -> None:
    """Make `call` the one this thread is performing."""
    _current.set(call)


def record_effect(ids: Iterable[str]) -> None:
    """Note on the current call that it changed these things."""
    call = _current.get()
    if call is not None:
        call.effective.extend(ids)
        call.changed = call.changed or bool(call.effective)


def record_success() -> None:
    """The current call was taken: that is a change, unless it only reads or notes its own."""
    call = _current.get()
    if call is None or READS.match(call.operation):
        return
    if call.operation not in NOTED.get(call.service, ()):
        call.changed = True


def find_token() -> str | None:
    """The client token of the call that this thread is performing."""
    call = _current.get()
    return call.client_token if call else None


class CallLog:
    """Append-only and thread-safe; sequence numbers start at 1 and survive clearing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=CAPACITY)
        self._sequence = 0

    def open(self, **facts: Any) -> Call:
        """Write down a call on arrival (`facts`: the fields of Call but `sequence`)."""
        with self._lock:
            self._sequence += 1
            call = Call(sequence=self._sequence, **facts)
            self._calls.append(call)
            return call

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

    def __len__(self) -> int:
        return len(self._calls)

    def select(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Calls that equal every filter, oldest first; `after` keeps later sequences only.

        Raises ValueError with a sentence for a filter that does not exist.
        """
        wanted = dict(filters)
        after = wanted.pop("after", "0")
        if not after.isdigit():
            raise ValueError(f"after must be a sequence number, not {after!r}.")
        if unknown := sorted(wanted.keys() - set(FILTERS)):
            known = ", ".join(("after", *FILTERS))
            raise ValueError(f"There is no filter {unknown[0]!r}; the filters are {known}.")
        with self._lock:
            return [
                asdict(call)
                for call in self._calls
                if call.sequence > int(after)
                and all(getattr(call, name) == value for name, value in wanted.items())
            ]

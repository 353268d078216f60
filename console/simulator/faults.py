"""Faults on demand: what goes wrong with which call, how many times."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from console.simulator.answers import Answer, Style, write_error
from console.simulator.calls import READS, Call

LONGEST = 3600.0  # seconds a fault may hold a call

BEFORE_EFFECT = frozenset({"throttle", "error", "reset_before", "delay_before", "hang"})
AFTER_EFFECT = frozenset({"delay", "reset_after", "error_after"})
LAG = "lag"
KINDS = BEFORE_EFFECT | AFTER_EFFECT | {LAG}
TIMED = frozenset({"delay", "delay_before", LAG})
# What reads nothing, although it is called as if it did: it hands something out.
HANDING_OUT = re.compile(r"Assume|Get(ActivityTask|FederationToken|Id|SessionToken)$")

# Real throttling codes differ by protocol ("Error codes for the Amazon EC2 API",
# "Common Error Types"): the engine must know each as not executed.
THROTTLES: dict[Style, tuple[str, str, int]] = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "query": ("Throttling", "Rate exceeded", 400),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
    "json": ("ThrottlingException", "Rate exceeded", 400),
}
CALL_FIELDS = frozenset({"account", "region", "principal", "access_key", "client_token"})


class BadOrder(ValueError):
    """What is wrong with ordered faults, as a sentence."""


class ConnectionDropped(ConnectionError):
    """Close the connection without an answer; to the server, a client that left."""


@dataclass(frozen=True)
class Fault:
    """One kind of trouble for the next `times` calls that fit.

    kind: throttle, error, reset_before, delay_before and hang strike before the
    call has any effect; delay, reset_after and error_after once it has had it. lag
    strikes reads alone: they do not show what calls changed in the last `seconds`.
    match: parameter name (InstanceIds) or call field (account, region, principal,
    access_key, client_token) to the value it must equal or contain.
    """

    kind: str
    service: str | None = None
    operation: str | None = None
    times: int = 1
    code: str | None = None
    message: str | None = None
    status: int | None = None
    seconds: float | None = None
    match: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, call: Call) -> bool:
        return (
            self.service in (None, call.service)
            and self.operation in (None, call.operation)
            and all(_holds(call, name, value) for name, value in self.match.items())
            and (self.kind != LAG or _is_read(call.operation))
        )


def _is_read(operation: str) -> bool:
    return bool(READS.match(operation)) and not HANDING_OUT.match(operation)


def _holds(call: Call, name: str, wanted: Any) -> bool:
    found = getattr(call, name) if name in CALL_FIELDS else call.parameters.get(name)
    return bool(found == wanted or (isinstance(found, list) and wanted in found))


FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "kind": (str,),
    "service": (str,),
    "operation": (str,),
    "times": (int,),
    "code": (str,),
    "message": (str,),
    "status": (int,),
    "seconds": (int, float),
    "match": (dict,),
}


def read_faults(value: object) -> list[Fault]:
    """Faults from the JSON of POST /sim/faults: one object or a list of them.

    Raises BadOrder with a sentence that says which fault is wrong and why.
    """
    items = value if isinstance(value, list) else [value]
    return [_read_fault(item, f"Fault {n}") for n, item in enumerate(items, start=1)]


def _read_fault(item: object, name: str) -> Fault:
    if not isinstance(item, dict):
        raise BadOrder(f"{name} must be a JSON object.")
    for key, value in item.items():
        if key not in FIELD_TYPES:
            raise BadOrder(f"{name} has no field {key!r}; fields are {', '.join(FIELD_TYPES)}.")
        if not isinstance(value, FIELD_TYPES[key]) or isinstance(value, bool):
            raise BadOrder(f"{name}: {key} must be {FIELD_TYPES[key][-1].__name__}.")
    if item.get("kind") not in KINDS:
        raise BadOrder(f"{name}: kind must be one of {', '.join(sorted(KINDS))}.")
    fault = Fault(**item)
    _check_ranges(fault, name)
    return fault


def _check_ranges(fault: Fault, name: str) -> None:
    if fault.times < 1:
        raise BadOrder(f"{name}: times must be 1 or more.")
    if fault.status is not None and not 400 <= fault.status <= 599:
        raise BadOrder(f"{name}: status must be an HTTP error, 400 to 599.")
    if fault.kind in TIMED and fault.seconds is None:
        raise BadOrder(f"{name}: a {fault.kind} needs seconds.")
    if fault.kind == LAG and fault.operation and not _is_read(fault.operation):
        raise BadOrder(f"{name}: {fault.operation} is no read, and only a read can lag.")
    if fault.seconds is not None and not 0 <= fault.seconds <= LONGEST:
        raise BadOrder(f"{name}: seconds must be between 0 and {LONGEST:.0f}.")


class FaultBook:
    """The faults that wait for their calls, first come first used; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int]] = []

    def add(self, faults: list[Fault]) -> None:
        with self._lock:
            self._waiting.extend((fault, fault.times) for fault in faults)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def list_active(self) -> list[dict[str, Any]]:
        """The waiting faults as JSON; `times` is what is left of each."""
        with self._lock:
            return [{**asdict(fault), "times": left} for fault, left in self._waiting]

    def has_lags(self) -> bool:
        """Whether somebody may ask how the account was."""
        with self._lock:
            return any(fault.kind == LAG for fault, _ in self._waiting)

    def take(self, call: Call) -> Fault | None:
        """Use up one turn of the first fault that fits `call`."""
        with self._lock:
            for index, (fault, left) in enumerate(self._waiting):
                if fault.fits(call):
                    self._waiting[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None


class Line(Protocol):
    """The client's connection, as far as a fault touches it. Seconds."""

    def hold(self, seconds: float) -> None: ...

    def hold_until_hang_up(self, seconds: float) -> None: ...


def perform(fault: Fault, style: Style, act: Callable[[], Answer], line: Line) -> Answer:
    """Carry out a call under `fault`; `act` performs the call itself.

    Raises ConnectionDropped where no answer may be given.
    """
    if fault.kind in BEFORE_EFFECT:
        return _strike_before(fault, style, act, line)
    answer = act()
    if fault.kind == LAG:  # nothing has changed lately
        return answer
    if fault.kind == "reset_after":
        raise ConnectionDropped(fault.kind)
    if fault.kind == "error_after":
        return _refuse(fault, style)
    line.hold(fault.seconds or 0)
    return answer


def _strike_before(fault: Fault, style: Style, act: Callable[[], Answer], line: Line) -> Answer:
    if fault.kind == "reset_before":
        raise ConnectionDropped(fault.kind)
    if fault.kind == "hang":
        line.hold_until_hang_up(LONGEST if fault.seconds is None else fault.seconds)
        raise ConnectionDropped(fault.kind)
    if fault.kind == "delay_before":
        # The whole time, client or no client: the call that arrives too late.
        line.hold(fault.seconds or 0)
        return act()
    return _refuse(fault, style)


def _refuse(fault: Fault, style: Style) -> Answer:
    if fault.kind == "throttle":
        code, message, status = THROTTLES[style]
    else:
        code, message, status = "InternalError", "An internal error has occurred", 500
    return write_error(style, fault.code or code, fault.message or message, fault.status or status)

"""Commands, their invocations and plugins, and what their statuses come to. No moto, no threads.

AWS, "Understanding command statuses" in the Systems Manager user guide.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

MOST_STDOUT: Final = 24_000  # characters that GetCommandInvocation shows
MOST_STDERR: Final = 8_000
MOST_OUTPUT: Final = 2_500  # characters of both that ListCommandInvocations shows
ERROR_LINE: Final = "\n----------ERROR-------\n"
CUT: Final = "\n---Output truncated---"


@dataclass(frozen=True, slots=True)
class State:
    """A status, its details, and the response code."""

    status: str
    details: str
    code: int = -1

    @property
    def is_final(self) -> bool:
        return self.status not in ("Pending", "InProgress", "Cancelling")


PENDING: Final = State("Pending", "Pending")
IN_PROGRESS: Final = State("InProgress", "InProgress")
SUCCESS: Final = State("Success", "Success", 0)
CANCELLED: Final = State("Cancelled", "Cancelled")
TERMINATED: Final = State("Cancelled", "Terminated")
UNDELIVERABLE: Final = State("Failed", "Undeliverable")
INVALID_PLATFORM: Final = State("Failed", "InvalidPlatform")
NOT_DELIVERED: Final = State("TimedOut", "DeliveryTimedOut")
TIMED_OUT: Final = State("TimedOut", "ExecutionTimedOut", 137)
KILLED: Final = State("Cancelled", "Cancelled", 137)
NO_INSTANCES: Final = State("Success", "NoInstancesInTag")
INCOMPLETE: Final = State("Failed", "Incomplete")
# What counts towards MaxErrors: what was delivered, and did not succeed.
ERRORS: Final = frozenset({"Failed", "ExecutionTimedOut", "InvalidPlatform"})


def failed(code: int) -> State:
    return State("Failed", "Failed", code)


@dataclass(frozen=True, slots=True)
class Step:
    """One plugin of a document, with this command's parameters in it."""

    name: str
    action: str
    platform: str  # "Linux" or "Windows"; "" for both
    text: str
    folder: str = ""
    seconds: float = 3600.0
    ends_document: bool = False  # if it fails, the rest does not run


@dataclass
class Plugin:
    """One step on one instance. The result is set at once, after all that belongs to it."""

    step: Step
    state: State = PENDING
    stdout: str = ""
    stderr: str = ""
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def output(self) -> str:
        """Both streams, as CommandPlugin has them."""
        text = self.stdout + (f"{ERROR_LINE}{self.stderr}" if self.stderr else "")
        return shorten(text, MOST_OUTPUT)


@dataclass
class Invocation:
    """A command on one instance. `abort` ends what runs there."""

    instance_id: str
    instance_name: str
    requested: datetime
    plugins: list[Plugin]
    state: State = PENDING
    abort: threading.Event = field(default_factory=threading.Event)
    is_cancelled: bool = False
    is_lost: bool = False  # the instance went away under it

    @property
    def shown(self) -> State:
        """The state as others see it: one that is being cancelled says so."""
        if self.is_cancelled and not self.state.is_final:
            return State("Cancelling", "Cancelling")
        return self.state

    def cancel(self) -> None:
        """End it, if it has not ended."""
        if not self.state.is_final:
            self.is_cancelled = True
            self.abort.set()


@dataclass
class Command:
    """What SendCommand made. `request` has what is only shown again."""

    command_id: str
    account: str
    region: str
    request: Mapping[str, Any]
    requested: datetime
    window: float  # seconds that it may wait for delivery
    invocations: list[Invocation]
    most_at_once: int = 50
    most_errors: int = 0

    @property
    def errors(self) -> int:
        return sum(each.state.details in ERRORS for each in self.invocations)

    @property
    def state(self) -> State:
        return summarize([each.shown for each in self.invocations], self.most_errors)


def summarize(states: Sequence[State], most_errors: int) -> State:
    """A command's state from those of its invocations."""
    if not states:
        return NO_INSTANCES
    details = {each.details for each in states}
    if "Cancelling" in details:
        return State("Cancelling", "Cancelling")
    if not all(each.is_final for each in states):
        return PENDING if details == {"Pending"} else IN_PROGRESS
    if len(details) == 1:
        return states[0]
    if sum(each.details in ERRORS for each in states) > most_errors:
        return failed(-1)
    return CANCELLED if "Cancelled" in details else INCOMPLETE


def conclude(states: Iterable[State]) -> State:
    """An invocation's state from those of its plugins: the first that is no success."""
    return next((each for each in states if each.details != "Success"), SUCCESS)


def read_share(text: str, whole: int, least: int) -> int:
    """MaxConcurrency and MaxErrors: "10", or "10%" of the instances, rounded down."""
    if text.endswith("%"):
        return max(least, math.floor(whole * int(text[:-1]) / 100))
    return int(text)


def shorten(text: str, most: int) -> str:
    """At most so many characters; what is cut says so."""
    return text if len(text) <= most else text[: most - len(CUT)] + CUT

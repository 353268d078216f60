"""What goes into a sandbox and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any

PYTHON: Final = "python"
POWERSHELL: Final = "powershell"


class Unavailable(Exception):
    """This host cannot run scripts apart from itself; the text says why, and what to do."""


class Forbidden(Exception):
    """A connection that no script may make; the text is shown to the script."""


class Ended(StrEnum):
    """How a script ended."""

    RETURNED = "returned"
    FAILED = "failed"  # an exception, exit("text"), or no result at all
    TIMED_OUT = "timed out"
    ABORTED = "aborted"  # whoever ran it wanted it no longer


@dataclass(frozen=True, slots=True)
class Network:
    """Where a script may connect to.

    `resolve(host, port)` answers with the address to connect to, or raises Forbidden, or OSError
    for a name that does not resolve. `endpoint` is a plain HTTP server (host, port) that scripts
    find on a port of their own loopback: the simulated account.
    """

    resolve: Callable[[str, int], str]
    endpoint: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a script finds in its folder; of a .zip, what the archive holds."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Job:
    """One script to run. `environment` reaches the script by a pipe, and no command line.

    Python without a source calls a function of its attachment: handler is `file.function`.
    """

    source: str
    handler: str = ""
    events: Json = None
    language: str = PYTHON
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 600
    network: Network | None = None
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """How a script ended, what it returned, and what it printed (both streams as read)."""

    ended: Ended
    payload: Json = None
    message: str = ""
    log: str = ""

"""What an action can answer: outcomes as values, failures as exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from executions.runbook.types import Value

State: TypeAlias = Mapping[str, Any]

# For a wait that only somebody can end.
FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
# Service and operation of the calls that do not go to AWS.
WEBHOOK: Final = ("webhook", "Post")
SCRIPT: Final = ("script", "Run")


class StepFailed(Exception):
    """The attempt failed and it is known that it did.

    `stage` and `kind` are FailureDetails.FailureStage and FailureType of the SSM API.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        stage: str = "Invocation",
        kind: str = "Action",
        outputs: Mapping[str, Value] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.stage = stage
        self.kind = kind
        self.outputs = outputs or {}


class BadInput(StepFailed):
    """An input that cannot be right, however often it is tried."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False, stage="InputValidation")


class StepTimedOut(StepFailed):
    """The attempt ran out of its time."""


class CallFailed(Exception):
    """AWS refused a read: `code` and the text are AWS's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Done:
    """Success. `response` is what the step's own `outputs` select from.

    `variables` (name -> value) are the runbook's variables that change with it. `binds` (name of a
    later step -> SHA-256) lets steps start no document whose text is another one.
    """

    outputs: Mapping[str, Value] = field(default_factory=dict)
    response: Value = None
    next_step: str | None = None
    variables: Mapping[str, Value] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at `until`. `paused` shows Waiting (a person is needed), else InProgress."""

    until: datetime
    state: State = field(default_factory=dict)
    paused: bool = False
    outputs: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One API call that may change something, to be made by the engine.

    `request` must be JSON. If the operation takes a client token and the request has none, the
    engine adds the step's stored one. `state` is what `called` and `recover` need to know, such
    as the state of things before.
    """

    service: str
    operation: str
    request: Mapping[str, Value]
    state: State = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pass:
    """Run the steps inside the loop once more; `resume` is asked when they have ended."""

    iteration: int  # from 1
    most: int  # there will be no more passes than this
    state: State
    outputs: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Child:
    """Start a run of another runbook and wait for its end; `resume` is asked then.

    `parameters` are as on the wire: name -> list of strings.
    """

    document: str  # a name or an ARN
    version: str
    parameters: Mapping[str, Sequence[str]]
    until: datetime  # when to look, should nobody say that it has ended
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A run that a step has started, as it is now."""

    execution_id: str
    document: str
    status: str
    is_over: bool
    outputs: Sequence[str]  # all of them in the order of the document's `outputs`
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The outcome cannot be known. `evidence` is shown to the person who decides."""

    reason: str
    evidence: Mapping[str, Value] = field(default_factory=dict)


Outcome: TypeAlias = Done | Wait | Call | Pass | Child | Unknown


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that was made, or may have been: what, when, and as of which state."""

    service: str
    operation: str
    request: Mapping[str, Value]
    at: datetime

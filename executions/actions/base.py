"""What an action is: a plugin that sees a narrow context and returns a value.

An action never writes a row, never sleeps and never makes a call that changes anything. It
returns what should happen, and the engine does it durably:

    Done(outputs)        the step succeeded
    Wait(until, state)   look again then (or when somebody nudges); no worker is held
    Call(…)              make this API call: the engine commits the intent, calls, and hands the
                         answer to `called`
    Unknown(…)           nobody can know whether the call took effect: a person decides
    raise StepFailed     the attempt failed, for a reason that is known
    raise StepTimedOut   the attempt ran out of its time

    begin ──► Call ──► called ──► Done | Wait | Call
      │         └─ answer lost ──► recover ──► (the same) or Call again or Unknown
      └─────► Wait ──► resume ──► …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias, TypeVar
from uuid import UUID

from executions.runbook.template import Scope
from executions.runbook.types import ActionSpec, Step, Value

State: TypeAlias = Mapping[str, Any]


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
    """Success. `response` is what the step's own `outputs` select from."""

    outputs: Mapping[str, Value] = field(default_factory=dict)
    response: Value = None
    next_step: str | None = None


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
class Unknown:
    """The outcome cannot be known. `evidence` is shown to the person who decides."""

    reason: str
    evidence: Mapping[str, Value] = field(default_factory=dict)


Outcome: TypeAlias = Done | Wait | Call | Unknown


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that was made, or may have been: what, when, and as of which state."""

    service: str
    operation: str
    request: Mapping[str, Value]
    at: datetime


@dataclass(frozen=True, slots=True)
class StepContext:
    """All that an action may see of its step."""

    execution_id: UUID
    step_id: UUID
    account_id: str
    region: str
    step: Step
    attempt: int
    token: str  # the same for every try of this attempt
    now: datetime
    deadline: datetime | None
    inputs: Mapping[str, Value]  # resolved
    scope: Scope
    read: Callable[..., dict[str, Any]]  # read(service, operation, **request); CallFailed
    is_read: Callable[[str, str], bool]
    poll: Callable[[], datetime]  # when a poll should look again
    state: State = field(default_factory=dict)
    sent: Sent | None = None

    def text(self, name: str, default: str = "") -> str:
        """A String input. Numbers and booleans become text; a one-item list gives its item."""
        value = self.inputs.get(name)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is None:
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (str, int, float)):
            return str(value)
        raise BadInput(f"{name} must be a String, not {type_word(value)}.")

    def texts(self, name: str) -> list[str]:
        """A StringList input. A single string is a list of one."""
        value = self.inputs.get(name)
        if value is None or value == "":
            return []
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, (str, int)) for item in items):
            raise BadInput(f"{name} must be a StringList, not {type_word(value)}.")
        return [str(item) for item in items]

    def flag(self, name: str) -> bool:
        """A Boolean input, also when it is spelled as text."""
        value = self.inputs.get(name, False)
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"true", "false", ""}:
            return value.lower() == "true"
        raise BadInput(f"{name} must be true or false, not {value!r}.")

    def number(self, name: str, default: int) -> int:
        """An Integer input, also when it is spelled as text."""
        value = self.inputs.get(name, default)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, bool) or not str(value).strip().lstrip("-").isdigit():
            raise BadInput(f"{name} must be an Integer, not {value!r}.")
        return int(value)


def type_word(value: Value) -> str:
    """The SSM name of a value's type, for messages."""
    words = {str: "a String", bool: "a Boolean", int: "an Integer", list: "a list", dict: "a map"}
    return words.get(type(value), "an empty value")


class Action(Protocol):
    """One kind of step. The docstring of a class names the SSM page it follows."""

    spec: ActionSpec
    timeout: timedelta | None  # the default of timeoutSeconds; None has none
    lazy_inputs: bool  # a reference without a value does not fail the step before it begins

    def begin(self, ctx: StepContext) -> Outcome:
        """Start an attempt from resolved inputs. May run again if a worker died before it ended."""

    def resume(self, ctx: StepContext) -> Outcome:
        """A wait came due, or somebody nudged: decide again from `ctx.state`."""

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """The call in `ctx.sent` answered. Decide from the answer alone: a read may fail here."""

    def refused(self, ctx: StepContext, refusal: CallFailed) -> Outcome:
        """AWS refused the call in `ctx.sent`: nothing happened."""

    def recover(self, ctx: StepContext) -> Outcome:
        """The call in `ctx.sent` was made or not, its answer is lost. Read, then decide."""

    def adopted(self, ctx: StepContext) -> Outcome:
        """A person said that the call in `ctx.sent`, whose answer is lost, took effect."""

    def stopped(self, ctx: StepContext, why: str) -> Outcome | None:
        """The attempt is to end ("timeout" or "cancel"). An outcome instead overrules a timeout."""


class BaseAction:
    """The usual answers, so that an action says only what it does differently."""

    timeout: timedelta | None = timedelta(hours=1)
    lazy_inputs = False

    def resume(self, ctx: StepContext) -> Outcome:
        """Nothing waits here; start over."""
        return self.begin(ctx)

    def begin(self, ctx: StepContext) -> Outcome:
        """Each action has its own."""
        raise StepFailed(f"{ctx.step.action} cannot begin.", retryable=False)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """One call was the whole work."""
        return Done(response=response)

    def refused(self, ctx: StepContext, refusal: CallFailed) -> Outcome:
        """A refusal fails the attempt, with AWS's words."""
        name = f"{ctx.sent.operation} of {ctx.sent.service}" if ctx.sent else "The call"
        denied = "Denied" in refusal.code or "Unauthorized" in refusal.code
        raise StepFailed(
            f"{name} was refused: {refusal} ({refusal.code})",
            kind="Permission" if denied else "Action",
        )

    def recover(self, ctx: StepContext) -> Outcome:
        """Without a way to look, a person has to."""
        sent = ctx.sent
        name = f"{sent.service}:{sent.operation}" if sent else "its call"
        return Unknown(
            f"The worker was lost while {name} was under way, and AWS offers no way to tell "
            "whether it took effect.",
        )

    def adopted(self, ctx: StepContext) -> Outcome:
        """It is done; there is no answer to take outputs from."""
        return Done()

    def stopped(self, ctx: StepContext, why: str) -> Outcome | None:
        """Nothing to close."""
        return None


@dataclass(slots=True)
class Registry:
    """The actions that are loaded, by name."""

    actions: dict[str, Action] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Action]:
        return iter(self.actions.values())

    def get(self, name: str) -> Action | None:
        """The action of that name."""
        return self.actions.get(name)

    def specs(self) -> dict[str, ActionSpec]:
        """What the validator must know of each."""
        return {name: action.spec for name, action in self.actions.items()}


registry = Registry()

A = TypeVar("A", bound=Action)


def action(cls: type[A]) -> type[A]:
    """Register an action class under the name in its spec."""
    instance = cls()
    registry.actions[instance.spec.name] = instance
    return cls

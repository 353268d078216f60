"""What an action is: a plugin that sees a narrow context and returns a value.

An action never writes a row, never sleeps and never makes a call that changes anything. It
returns what should happen, and the engine does it durably:

    Done(outputs)        the step succeeded
    Wait(until, state)   look again then (or when somebody nudges); no worker is held
    Call(…)              make this API call: the engine commits the intent, calls, and hands the
                         answer to `called`
    Pass(…), Child(…)    run the steps inside a loop once more, or another runbook, then ask again
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
from typing import Any, Protocol, TypeVar
from uuid import UUID

from executions.actions.outcomes import (
    FOREVER,
    SCRIPT,
    WEBHOOK,
    BadInput,
    Call,
    CallFailed,
    Child,
    ChildRun,
    Done,
    Outcome,
    Pass,
    Sent,
    State,
    StepFailed,
    StepTimedOut,
    Unknown,
    Wait,
)
from executions.runbook.template import Scope
from executions.runbook.types import ActionSpec, Step, Value

__all__ = [
    "FOREVER",
    "SCRIPT",
    "WEBHOOK",
    "Action",
    "BadInput",
    "BaseAction",
    "Call",
    "CallFailed",
    "Child",
    "ChildRun",
    "Done",
    "Outcome",
    "Pass",
    "Registry",
    "Sent",
    "State",
    "StepContext",
    "StepFailed",
    "StepTimedOut",
    "Unknown",
    "Wait",
    "action",
    "registry",
    "type_word",
]


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
    child: Callable[[], ChildRun | None] = lambda: None  # the latest run that the step has started
    signal: str | None = None  # what somebody sent to this step, such as Resume
    variables: Mapping[str, str] = field(default_factory=dict)  # those declared: name -> type
    files: Mapping[str, str] = field(default_factory=dict)  # attachments: name -> SHA-256

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
    as_written: frozenset[str]  # inputs that the action resolves itself, each time it needs them

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
        """The attempt is to end ("timeout" or "cancel").

        A Call is made on the way out, best effort and without an answer to the action: it ends
        what the step began elsewhere. Any other outcome overrules a timeout.
        """


class BaseAction:
    """The usual answers, so that an action says only what it does differently."""

    timeout: timedelta | None = timedelta(hours=1)
    lazy_inputs = False
    as_written: frozenset[str] = frozenset()

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
            f"No answer to {name} has arrived, and AWS offers no way to tell whether it took"
            " effect."
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

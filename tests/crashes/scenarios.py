"""What is run while workers die, and what AWS makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection

from executions import calls
from executions.models import Event
from tests.engine.fake_aws import FakeAws
from tests.engine.fake_ec2 import FakeEc2
from tests.engine.steps import (
    INSTANCE,
    Step,
    approve,
    branch,
    change_state,
    create_stack,
    each,
    execute,
    publish,
    read_topic,
    sleep,
)

AFTERWARDS = branch("afterwards", "global:REGION", "nowhere", to="afterwards", isEnd=True)


class World:
    """AWS with a memory: which orders changed something, and whether each was announced."""

    def __init__(self) -> None:
        self.fake = FakeAws()
        self.effects: list[str] = []
        self.unannounced: list[str] = []
        self.made = 0
        self.tokens: set[str] = set()
        self.ec2 = FakeEc2(self.fake, **{INSTANCE.replace("-", "_"): "running"})
        self.ec2.takes = timedelta(seconds=3)
        stop = self.ec2.order
        self.fake.on("StopInstances", self._order(lambda request: stop("StopInstances", request)))
        self.fake.on("Publish", self._order(self._publish))
        self.fake.on("CreateStack", self._order(self._create_stack))
        self.fake.on("GetTopicAttributes", self._order(lambda _: {}))

    def count_effects(self) -> int:
        """How many orders changed something."""
        return len(self.effects) + len(self.ec2.effects)

    def _order(self, take: Callable[[Mapping[str, Any]], Any]) -> Callable[..., dict[str, Any]]:
        def taken(request: Mapping[str, Any]) -> dict[str, Any]:
            assert not connection.in_atomic_block, "a call inside a transaction"
            self.made += 1
            sha256 = calls.fingerprint(request)
            if not Event.objects.filter(kind="step:call", data__sha256=sha256).exists():
                self.unannounced.append(sha256)
            return dict(take(request) or {})

        return taken

    def _publish(self, request: Mapping[str, Any]) -> None:
        self.effects.append(request["Message"])

    def _create_stack(self, request: Mapping[str, Any]) -> None:
        token = request["ClientRequestToken"]
        if token not in self.tokens:
            self.effects.append(token)
        self.tokens.add(token)


@dataclass(frozen=True)
class Scenario:
    """A run, how it ends, and how many effects it has at the end."""

    steps: tuple[Step, ...]
    effects: int = 0
    status: str = "Success"
    ends: Mapping[str, str] = field(default_factory=dict)  # step -> status
    child: tuple[Step, ...] = ()  # the runbook that is CHILD in the steps; it ends as the run does
    # Whether a person is asked, if a worker died between an intent and its outcome, and so many
    # announced calls were never made.
    asks: Callable[[bool, int], bool] = lambda died_in_call, unmade: False


def _succeeds(*steps: Step, **more: Any) -> Scenario:
    names = [name for step in (*steps, AFTERWARDS) for name in _names(step)]
    return Scenario((*steps, AFTERWARDS), ends=dict.fromkeys(names, "Success"), **more)


def _names(step: Step) -> list[str]:
    """The step's name, and those of the steps inside it."""
    return [step["name"], *(inner["name"] for inner in step["inputs"].get("Steps", ()))]


SCENARIOS = {
    # Sent again once, if nothing shows that the first was taken.
    "stop": _succeeds(change_state("a"), effects=1, asks=lambda _, unmade: unmade > 1),
    "read": _succeeds(read_topic("a")),
    "token": _succeeds(create_stack("a"), effects=1),
    "unproven": _succeeds(publish("a"), effects=1, asks=lambda died_in_call, _: died_in_call),
    "sleep": _succeeds(sleep("a", "PT10M")),
    "approve": _succeeds(approve("a", "alice")),
    "several": _succeeds(read_topic("a"), create_stack("b"), sleep("c"), effects=1),
    "loop": _succeeds(each("l", ["x", "y"], create_stack("a"), sleep("b", "PT10S")), effects=2),
    "child": _succeeds(execute("a", "CHILD"), child=(create_stack("c"),), effects=1),
    "sleeping child": _succeeds(execute("a", "CHILD"), child=(sleep("c", "PT3M"),)),
    "cancel a child": Scenario(
        (execute("a", "CHILD"), AFTERWARDS),
        child=(sleep("c", "PT100H"), AFTERWARDS),
        status="Cancelled",
        ends={"a": "Cancelled"},
    ),
    "cancel a loop": Scenario(
        (each("l", ["x"], sleep("a", "PT100H", onCancel="step:b")), create_stack("b")),
        effects=1,
        status="Cancelled",
        ends={"l": "Exited", "a": "Cancelled", "b": "Success"},
    ),
    "cancel": Scenario(
        (sleep("a", "PT100H", onCancel="step:b"), AFTERWARDS, create_stack("b")),
        effects=1,
        status="Cancelled",
        ends={"a": "Cancelled", "b": "Success"},
    ),
}

"""The simulated account, which alone knows what was done to it; and what goes wrong there."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from console.simulator import client
from executions import aws, calls
from tests.simulator.aws import PRODUCTION, assume, make_client
from tests.soak.monkey import faults
from tests.soak.promises import Arrival

SHARE: Final = 0.05  # of all calls get a fault
LOOK: Final = 1.0  # seconds from one look at the calls to the next
SESSION: Final = "/Automation-"  # what the name of the session of a run begins with


@dataclass(slots=True)
class Judge:
    """Reads the account's log while it is written, since the log forgets; never our database."""

    endpoint: str
    seed: int
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)  # kinds of faults, by how often
    leaving: threading.Event = field(default_factory=threading.Event)
    _answered: int = 0  # all calls up to this one

    def watch(self) -> None:
        """Keep the calls, and order a fault for one of the next when so many have come."""
        orders, ordered = faults(self.seed), 0
        while not self.leaving.wait(LOOK):
            try:
                self.read()
                while ordered < len(self.calls) * SHARE:
                    client.faults(self.endpoint, next(orders))
                    ordered += 1
            except OSError:  # it is busy, and asked again
                continue

    def read(self) -> None:
        """The calls that are new, and those that had no answer yet."""
        for call in client.calls(self.endpoint, after=self._answered):
            self.calls[call["sequence"]] = call
        while (known := self.calls.get(self._answered + 1)) and _is_over(known):
            self._answered += 1

    def calm(self) -> None:
        """Let nothing go wrong any more."""
        self.leaving.set()
        client.clear_faults(self.endpoint)

    def end(self) -> None:
        """A last look."""
        self.read()
        self.struck = Counter(call["fault"] for call in self.calls.values() if call["fault"])

    def was_published(self, text: str) -> bool:
        """Whether this text was published to a topic."""
        return any(one["message"] == text for one in client.messages(self.endpoint))

    def instances(self) -> list[str]:
        """The ids of the instances of Production."""
        found = self._ec2().describe_instances()["Reservations"]
        return [item["InstanceId"] for group in found for item in group["Instances"]]

    def effects(self) -> Counter[str]:
        """How often each thing was done, by a name that its step has too."""
        found = Counter(one["message"] for one in client.messages(self.endpoint))
        for volume in self._ec2().describe_volumes()["Volumes"]:
            for tag in volume.get("Tags", ()):
                if tag["Key"] == "run":
                    found[f"{tag['Value']} CreateVolume"] += 1
        for call in self.calls.values():
            for _ in call["effective"]:
                found[f"{run_of(call)} {call['operation']}"] += 1
        return found

    def arrivals(self) -> Iterator[Arrival]:
        """The calls of runs that may change something."""
        for call in self.calls.values():
            if (run := run_of(call)) and _changes(call):
                name = f"{call['service']}:{call['operation']}"
                yield Arrival(run, name, calls.fingerprint(call["parameters"]))

    def _ec2(self) -> Any:
        return make_client(self.endpoint, "ec2", assume(self.endpoint, PRODUCTION))


def run_of(call: dict[str, Any]) -> str:
    """The run as whose session the call was made, or nothing."""
    return str(call["principal"]).partition(SESSION)[2]


def _is_over(call: dict[str, Any]) -> bool:
    """Whether nothing will be added to it; a connection that was dropped has no status."""
    return call["status"] is not None or str(call["fault"]).startswith("reset")


def _changes(call: dict[str, Any]) -> bool:
    operation = aws.operation(call["service"], call["operation"])
    return operation.effect is not aws.Effect.READ

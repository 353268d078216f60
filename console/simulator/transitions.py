"""The life of an EC2 instance: which moves are legal and how long each takes.

"Amazon EC2 instance state changes" has the states, "Stop and start Amazon EC2
instances" the reasons. Callers hold the simulator's lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from moto.core.utils import utcnow
from moto.ec2.models.instances import Instance, StateReason

from console.simulator.answers import RefusedError
from console.simulator.instances.agents import Agents

State = Literal["pending", "running", "shutting-down", "terminated", "stopping", "stopped"]
Verb = Literal["start", "stop", "reboot"]

CODES: dict[State, int] = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
GONE = ("shutting-down", "terminated")

# Seconds at time scale 1: quick for EC2, slow enough to be watched.
START = 4.0
CHECKS = 6.0
STOP = 8.0
FORCED_STOP = 3.0
TERMINATE = 4.0

# The states each verb refuses, and EC2's words for it. What is neither refused nor
# needs a change is a success that changes nothing.
REFUSED: dict[Verb, tuple[tuple[State, ...], str]] = {
    "start": (
        ("stopping", "shutting-down", "terminated"),
        "The instance '{}' is not in a state from which it can be started.",
    ),
    "stop": (
        ("pending", "shutting-down", "terminated"),
        "This instance '{}' is not in a state from which it can be stopped.",
    ),
    "reboot": (
        ("pending", "stopping", "stopped"),
        "The instance '{}' is not in the 'running' state.",
    ),
}

# Attributes EC2 changes on a stopped instance only ("ModifyInstanceAttribute").
STOPPED_ONLY = frozenset({"instance_type", "kernel", "ramdisk", "user_data", "ebs_optimized"})


@dataclass(frozen=True)
class Move:
    """An instance between two lasting states. `due` is in seconds of the clock."""

    instance: Instance
    through: State
    due: float
    finish: Callable[[Instance, float], None]


class Transitions:
    """Moves that are under way, settled when somebody looks.

    Nothing runs in the background: every request first calls settle(), so what
    is due has happened before anyone can see that it had not.
    """

    def __init__(self, scale: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._scale = scale
        self._clock = clock
        self._moves: dict[str, Move] = {}
        self._healthy_at: dict[str, float] = {}
        self.agents = Agents(scale, clock)

    def settle(self) -> None:
        """Finish every move whose time has come."""
        now = self._clock()
        for move in [move for move in self._moves.values() if move.due <= now]:
            del self._moves[move.instance.id]
            # moto may have ended it meanwhile on another way: a deleted stack.
            if move.instance.state == move.through:
                move.finish(move.instance, move.due)

    def launch(self, instance: Instance) -> None:
        self.agents.launch(instance.id)
        self._begin(instance, "pending", START, self._finish_start)

    def start(self, instance: Instance) -> bool:
        """Start a stopped instance; True when that changed its state."""
        if instance.state != "stopped":
            return False
        instance.launch_time = utcnow()
        _explain(instance, "", StateReason())
        self._begin(instance, "pending", START, self._finish_start)
        return True

    def stop(self, instance: Instance, force: bool) -> bool:
        """Stop a running instance; True when that changed its state."""
        if instance.state == "running":
            explain_user_action(instance, utcnow())
            self._begin(instance, "stopping", FORCED_STOP if force else STOP, _finish_stop)
            return True
        if instance.state == "stopping" and force:
            self._hasten(instance)
        return False

    def terminate(self, instance: Instance) -> bool:
        """Terminate an instance; True when that changed its state."""
        if instance.state in GONE:
            return False
        explain_user_action(instance, utcnow())
        self._begin(instance, "shutting-down", TERMINATE, _finish_terminate)
        return True

    def reboot(self, instance: Instance) -> None:
        """A running instance starts anew: it stays running, and its checks begin again."""
        self._healthy_at[instance.id] = self._clock() + CHECKS * self._scale
        self.agents.reboot(instance.id)

    def describe_checks(self, instance: Instance) -> dict[str, Any]:
        """One of DescribeInstanceStatus' two status summaries."""
        if instance.state != "running":
            return {"Status": "not-applicable"}
        healthy = self._clock() >= self._healthy_at.get(instance.id, 0)
        return {
            "Status": "ok" if healthy else "initializing",
            "Details": [
                {"Name": "reachability", "Status": "passed" if healthy else "initializing"}
            ],
        }

    def _begin(
        self,
        instance: Instance,
        through: State,
        seconds: float,
        finish: Callable[[Instance, float], None],
    ) -> None:
        state = instance.instance_state
        state.name, state.code = through, CODES[through]
        due = self._clock() + seconds * self._scale
        self._moves[instance.id] = Move(instance, through, due, finish)

    def _hasten(self, instance: Instance) -> None:
        move = self._moves.get(instance.id)
        if move is not None:
            due = min(move.due, self._clock() + FORCED_STOP * self._scale)
            self._moves[instance.id] = Move(instance, move.through, due, move.finish)

    def _finish_start(self, instance: Instance, at: float) -> None:
        instance.start()
        self._healthy_at[instance.id] = at + CHECKS * self._scale
        self.agents.boot(instance.id, at)


def require_legal(verb: Verb, instances: Iterable[Instance]) -> None:
    """Refuse the whole request when one of the instances cannot `verb` now."""
    states, message = REFUSED[verb]
    for instance in instances:
        if instance.state in states:
            raise RefusedError("IncorrectInstanceState", message.format(instance.id))


def require_attribute_change(instance: Instance, attribute: str) -> None:
    """Refuse to change what only a stopped instance may have changed."""
    if attribute in STOPPED_ONLY and instance.state != "stopped":
        message = f"The instance '{instance.id}' is not in the 'stopped' state."
        raise RefusedError("IncorrectInstanceState", message)


def _finish_stop(instance: Instance, _: float) -> None:
    transition, reason = instance.state_transition_reason, instance.state_reason
    instance.stop()  # moto's say when it ended, EC2's who began it
    _explain(instance, transition or "", reason)


def _finish_terminate(instance: Instance, _: float) -> None:
    transition, reason = instance.state_transition_reason, instance.state_reason
    instance.terminate()
    _explain(instance, transition or "", reason)


def _explain(instance: Instance, transition: str, reason: StateReason) -> None:
    instance._reason = transition  # noqa: SLF001 - moto shows it read-only
    instance.state_reason = reason


def explain_user_action(instance: Instance, at: datetime) -> None:
    """Say why the instance went down: somebody asked for it `at` (naive UTC, as in moto)."""
    code = "Client.UserInitiatedShutdown"
    reason = StateReason(f"{code}: User initiated shutdown", code)
    _explain(instance, f"User initiated ({at:%Y-%m-%d %H:%M:%S} GMT)", reason)

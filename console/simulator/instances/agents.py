"""SSM Agent on every instance: when it registers, and when it is online.

Every instance has the agent and may use it, as where Default Host Management is on; none needs an
instance profile. Callers hold the simulator's lock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, Protocol

# Seconds at time scale 1 from "running" to the agent's first word.
AGENT = 3.0

Ping = Literal["Online", "ConnectionLost"]


class HasState(Protocol):
    """An instance, as far as its agent goes."""

    id: str

    @property
    def state(self) -> str | None: ...


class Agents:
    """What is known of agents. An instance that nobody launched here has run for long."""

    def __init__(self, scale: float, clock: Callable[[], float]) -> None:
        self._scale = scale
        self._clock = clock
        self._registered: dict[str, float] = {}  # when, for the first time
        self._online: dict[str, float] = {}

    def launch(self, instance_id: str) -> None:
        """A new instance has never registered."""
        self._registered[instance_id] = math.inf

    def boot(self, instance_id: str, at: float) -> None:
        """It runs since `at`, seconds of the clock; its agent comes up."""
        online = at + AGENT * self._scale
        self._online[instance_id] = online
        self._registered[instance_id] = min(online, self._registered.get(instance_id, 0.0))

    def reboot(self, instance_id: str) -> None:
        """The agent is away for a moment."""
        self.boot(instance_id, self._clock())

    def ping(self, instance: HasState) -> Ping | None:
        """PingStatus of DescribeInstanceInformation; None where it is not listed."""
        now = self._clock()
        if instance.state in ("shutting-down", "terminated"):
            return None
        if self._registered.get(instance.id, 0.0) > now:
            return None
        is_up = instance.state == "running" and self._online.get(instance.id, 0.0) <= now
        return "Online" if is_up else "ConnectionLost"

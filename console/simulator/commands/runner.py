"""Carrying commands out: delivery, the steps one after the other, and what ends them early."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final

from moto.ec2.models.instances import Instance

from console.simulator.commands import values
from console.simulator.commands.documents import LINES, POWERSHELL, SHELL
from console.simulator.commands.powershell import stand_in
from console.simulator.commands.values import Command, Invocation, Plugin, State
from console.simulator.instances.machines import Machines
from console.simulator.instances.shell import Ran, Script
from console.simulator.transitions import Transitions
from executions.sandbox import Ended, Unavailable

DELIVERY: Final = 0.5  # seconds at time scale 1
LOOK: Final = 0.1  # seconds between two looks at an instance that is not online
HOME: Final = "/root"
FAILED: Final = "failed to run commands: exit status {}"


class Runner:
    """Threads of the simulated account, one for each invocation under way.

    lock: the simulator's; held only to look at instances and to change them.
    """

    def __init__(
        self,
        machines: Machines,
        transitions: Transitions,
        lock: AbstractContextManager[bool],
        scale: float,
    ) -> None:
        self._machines = machines
        self._transitions = transitions
        self._lock = lock
        self._scale = scale
        self._running: dict[int, tuple[Invocation, Instance]] = {}  # by id()

    def start(self, command: Command) -> None:
        """Carry it out in the background, on as many instances at once as it allows."""
        waiting = deque(each for each in command.invocations if not each.state.is_final)
        for _ in range(min(command.most_at_once, len(waiting))):
            threading.Thread(target=self._work, args=(command, waiting), daemon=True).start()

    def sweep(self) -> None:
        """End what runs on instances that are going down. Under the simulator's lock."""
        for invocation, instance in list(self._running.values()):
            if instance.state != "running":
                invocation.is_lost = True
                invocation.abort.set()

    def _work(self, command: Command, waiting: deque[Invocation]) -> None:
        while waiting:
            try:
                invocation = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            if command.errors > command.most_errors:
                invocation.state = values.TERMINATED
                continue
            self._carry_out(command, invocation)

    def _carry_out(self, command: Command, invocation: Invocation) -> None:
        instance = self._deliver(command, invocation)
        if instance is None:
            return
        invocation.state = values.IN_PROGRESS
        self._running[id(invocation)] = (invocation, instance)
        power = self._perform_all(invocation, instance)
        del self._running[id(invocation)]
        done = [each.state for each in invocation.plugins if each.ended is not None]
        is_whole = len(done) == len(invocation.plugins) or not invocation.is_cancelled
        invocation.state = values.conclude(done) if is_whole else values.CANCELLED
        if power:
            with self._lock:
                self._machines.change_power(instance, power)

    def _perform_all(self, invocation: Invocation, instance: Instance) -> str:
        """Run the steps in order; what the last script that asked for something asked for."""
        power = ""
        for plugin in invocation.plugins:
            plugin.started = datetime.now(UTC)
            plugin.state = values.IN_PROGRESS
            state, asked = self._perform(invocation, plugin, instance)
            plugin.ended, plugin.state = datetime.now(UTC), state
            power = asked or power
            if invocation.abort.is_set() or (state.code and plugin.step.ends_document):
                break
        return power

    def _deliver(self, command: Command, invocation: Invocation) -> Instance | None:
        """The instance once its agent is there; None, and a final state, if that does not come."""
        deadline = time.monotonic() + command.window
        invocation.abort.wait(DELIVERY * self._scale)
        while True:
            with self._lock:
                self._transitions.settle()
                instance = self._machines.find(
                    command.account, command.region, invocation.instance_id
                )
                ping = self._machines.ping(instance) if instance else None
            if invocation.is_cancelled:
                invocation.state = values.CANCELLED
            elif instance is None:
                invocation.state = values.UNDELIVERABLE
            elif ping == "Online":
                return instance
            elif time.monotonic() > deadline:
                invocation.state = values.NOT_DELIVERED
            if invocation.state.is_final:
                return None
            invocation.abort.wait(LOOK)

    def _perform(
        self, invocation: Invocation, plugin: Plugin, instance: Instance
    ) -> tuple[State, str]:
        """Run one step. Its state, and what the script asked for: "stop", "reboot" or ""."""
        step = plugin.step
        platform = "Windows" if instance.platform == "windows" else "Linux"
        if step.platform not in ("", platform):
            plugin.stdout = (
                "Step execution skipped due to incompatible platform. Step name: " + step.name
            )
            return values.SUCCESS, ""
        if step.action not in (SHELL, POWERSHELL, *LINES):
            plugin.stderr = f"Instances of the simulated account have no plugin {step.action}."
            return values.failed(1), ""
        text = stand_in(step.text) if step.action == POWERSHELL else step.text
        script = Script(text, step.seconds, step.folder or HOME)
        try:
            ran = self._machines.run(instance, script, invocation.abort)
        except (Unavailable, OSError) as reason:
            plugin.stderr = f"Nothing was run: {reason}"
            return values.failed(1), ""
        return self._read(invocation, plugin, ran), ran.power

    def _read(self, invocation: Invocation, plugin: Plugin, ran: Ran) -> State:
        plugin.stdout, plugin.stderr = ran.stdout, ran.stderr
        if invocation.is_lost:
            plugin.stderr += "The instance went away while the command ran."
            return values.failed(-1)
        if ran.cut_short is Ended.TIMED_OUT:
            return values.TIMED_OUT
        if ran.cut_short is Ended.ABORTED:
            return values.KILLED
        if ran.code:
            plugin.stderr += FAILED.format(ran.code)
            return values.failed(ran.code)
        return values.SUCCESS

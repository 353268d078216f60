"""Instances as machines: moto's instance, its agent, and what runs on its disk.

`find`, `list_all` and what changes an instance are called under the simulator's lock; `run` never
is, since it takes as long as the script.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance, StateReason

from console.simulator.instances import shell
from console.simulator.instances.agents import Ping
from console.simulator.instances.storage import Storage
from console.simulator.transitions import Transitions

SHUTDOWN = "Client.InstanceInitiatedShutdown"


class Machines:
    """The instances of all accounts."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions
        self._storage = Storage()

    def install(self) -> None:
        """Have images and snapshots made with what is on the disks, once per process."""
        self._storage.install()

    def find(self, account: str, region: str, instance_id: str) -> Instance | None:
        """The instance, if there is one and it is not gone."""
        return next((i for i in self.list_all(account, region) if i.id == instance_id), None)

    def list_all(self, account: str, region: str) -> Iterator[Instance]:
        """The managed ones: with an agent that has registered."""
        for reservation in ec2_backends[account][region].reservations.values():
            for instance in reservation.instances:
                if self.ping(instance):
                    yield instance

    def ping(self, instance: Instance) -> Ping | None:
        return self._transitions.agents.ping(instance)

    def run(self, instance: Instance, script: shell.Script, abort: threading.Event) -> shell.Ran:
        """Run a script there, to its end. Unavailable if nothing can be run."""
        with self._storage.open(instance, _name(instance)) as machine:
            return shell.run(machine, script, abort)

    def change_power(self, instance: Instance, what: str) -> None:
        """What a script asked of its own instance: "stop" or "reboot"."""
        if what == "reboot":
            self._transitions.reboot(instance)
            return
        if instance.instance_initiated_shutdown_behavior == "terminate":
            changed = self._transitions.terminate(instance)
        else:
            changed = self._transitions.stop(instance, force=False)
        if changed:
            reason = f"{SHUTDOWN}: Instance initiated shutdown"
            instance.state_reason = StateReason(reason, SHUTDOWN)

    def sweep(self) -> None:
        """Remove the disks of instances that are gone, unless something runs there yet."""
        self._storage.sweep()


def _name(instance: Instance) -> str:
    """Its host name: ip-10-0-0-1."""
    return str(instance.private_dns_name or "localhost").split(".")[0] or "localhost"

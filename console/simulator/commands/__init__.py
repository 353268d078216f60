"""Run Command of the simulated account: commands that really run on simulated instances."""

from __future__ import annotations

from contextlib import AbstractContextManager

from console.simulator.commands.answering import Answers
from console.simulator.commands.runner import Runner
from console.simulator.commands.service import RunCommand
from console.simulator.instances.machines import Machines
from console.simulator.transitions import Transitions


def install(
    transitions: Transitions, lock: AbstractContextManager[bool], scale: float
) -> RunCommand:
    """Put instances with disks and shells into moto's EC2 and SSM, once per process."""
    machines = Machines(transitions)
    machines.install()
    commands = RunCommand(machines, Runner(machines, transitions, lock, scale), scale)
    Answers(commands, machines).install()
    return commands

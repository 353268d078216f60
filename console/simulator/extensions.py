"""Services whose simulation is loaded when somebody first asks for them.

CloudFormation alone takes moto a second to load, and ./run is to be there at once.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from console.simulator.agenda import Agenda
from console.simulator.identity import Identities

MODULES: Final = {
    "autoscaling": "console.simulator.groups",
    "cloudformation": "console.simulator.cloudformation",
    "lambda": "console.simulator.functions",
    "rds": "console.simulator.databases",
    "s3": "console.simulator.buckets",
    "stepfunctions": "console.simulator.machines",
}
# Services that show what the others hold.
WIDE: Final = frozenset({"cloudformation", "resourcegroupstaggingapi"})


@dataclass
class Tools:
    """What an extension works with. `endpoint` is the simulated account's own address.

    seeded: whether the accounts are to hold things from the start.
    """

    agenda: Agenda
    identities: Identities
    lock: threading.RLock
    endpoint: str = ""
    seeded: bool = False


class Extensions:
    """Loads each once, and calls its install(tools). Callers hold the simulator's lock."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._installed: set[str] = set()

    def prepare(self, service: str) -> None:
        """Load what a call to `service` (its boto3 name) may touch."""
        wanted: Iterable[str] = MODULES if service in WIDE else (service,)
        for name in wanted:
            if name in MODULES and name not in self._installed:
                self._installed.add(name)
                importlib.import_module(MODULES[name]).install(self.tools)

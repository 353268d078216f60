"""A stack in each account, made as if long ago."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

from moto.cloudformation.models import cloudformation_backends
from moto.core.utils import utcnow

from console.simulator.agenda import Agenda
from console.simulator.buckets import REGION, TEMPLATE
from console.simulator.fleet import PRODUCTION, STAGING
from console.simulator.stacks import SimulatedStack

STACKS: Final = {PRODUCTION: "orders-work-queue", STAGING: "orders-work-queue-staging"}
AGE: Final = timedelta(days=40)


def seed() -> None:
    """Make the stacks at once, on an agenda where nothing takes time."""
    usual, SimulatedStack.agenda = SimulatedStack.agenda, Agenda(0)
    for account, name in STACKS.items():
        stack = cloudformation_backends[account][REGION].create_stack(
            name, json.dumps(TEMPLATE), {}, tags={"owner": "team-orders"}
        )
        SimulatedStack.agenda.settle()
        stack.creation_time = utcnow() - AGE
        for event in stack.events:
            event.timestamp = stack.creation_time
            event.client_request_token = None  # that of the call which came first is not theirs
    SimulatedStack.agenda = usual

"""RDS: instances that take their time to start and stop, and one to try it with."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from moto.rds.models import DBInstance, RDSBackend, rds_backends

from console.simulator.agenda import Agenda
from console.simulator.calls import record_effect
from console.simulator.extensions import Tools
from console.simulator.fleet import PRODUCTION, STAGING

# Seconds at time scale 1.
CREATE: Final = 8.0
START: Final = 6.0
STOP: Final = 6.0
DATABASES: Final = (
    (PRODUCTION, "orders-history", "postgres", "db.m6g.large"),
    (STAGING, "orders-history-staging", "postgres", "db.t4g.medium"),
)
REGION: Final = "eu-west-1"


def install(tools: Tools) -> None:
    """Put timed instances in the place of moto's immediate ones, once per process."""
    if tools.seeded:
        _seed()
    for change, through, seconds in (
        (RDSBackend.start_db_instance, "starting", START),
        (RDSBackend.stop_db_instance, "stopping", STOP),
        (RDSBackend.create_db_instance, "creating", CREATE),
        (RDSBackend.reboot_db_instance, "rebooting", START),
    ):
        setattr(RDSBackend, change.__name__, _slow_down(change, through, seconds, tools.agenda))


def _slow_down(
    change: Callable[..., DBInstance], through: str, seconds: float, agenda: Agenda
) -> Callable[..., DBInstance]:
    """The same change, with the status on the way until its time has come."""

    @functools.wraps(change)
    def changed(backend: RDSBackend, *args: Any, **facts: Any) -> DBInstance:
        database = change(backend, *args, **facts)
        reached = database.status if through != "creating" else "available"
        database.status = through
        record_effect([database.db_instance_identifier])

        def arrive() -> None:
            if database.status == through:  # else somebody deleted it meanwhile
                database.status = reached

        agenda.later(seconds, arrive)
        return database

    return changed


def _seed() -> None:
    for account, name, engine, kind in DATABASES:
        database = rds_backends[account][REGION].create_db_instance(
            {
                "db_instance_identifier": name,
                "db_instance_class": kind,
                "engine": engine,
                "allocated_storage": 100,
                "master_username": "operator",
                "master_user_password": "simulated-" + name,
                "tags": [{"Key": "Name", "Value": name}],
            }
        )
        database.status = "available"

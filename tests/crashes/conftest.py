"""Runs whose workers die, on a database that commits."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from executions import bus, queue
from executions.models import Account
from tests.approvals.people import DECIDE, make_person
from tests.conftest import HandClock
from tests.crashes.sweep import Sweep
from tests.engine.conftest import MAY
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs


@pytest.fixture
def sweep(
    transactional_db: None,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tmp_path: Path,
) -> Sweep:
    """olivia starts, alice approves, workers die."""
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    bus.connection.cache_clear()
    monkeypatch.setattr(queue, "_ring", lambda: None)
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )
    runs = Runs(hand_clock, make_person("olivia", *MAY))
    made = Sweep(runs, make_person("alice", *DECIDE))
    made.killer.install(monkeypatch, made.call)
    return made

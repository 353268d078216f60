"""A stage for the golden cases: an account, people, a clock, an AWS and a web."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from executions import aws, bus
from executions.models import Account
from tests.approvals.people import DECIDE, make_person
from tests.conftest import HandClock
from tests.engine.conftest import MAY
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs
from tests.golden.stage import Stage

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/ReleaseManagers/carol"


@pytest.fixture
def stage(
    db: None,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tmp_path: Path,
) -> Stage:
    """olivia starts; alice, bob and carol decide; nothing leaves this process but scripts."""
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    settings.SCRIPT_SPOOL = tmp_path / "spool"
    bus.connection.cache_clear()
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )
    people = {name: make_person(name, *DECIDE) for name in ("alice", "bob")}
    people["carol"] = make_person("carol", *DECIDE, arn=SESSION)
    stage = Stage(Runs(hand_clock, make_person("olivia", *MAY)), FakeAws(), people)
    monkeypatch.setattr("executions.aws.call", stage.fake.call)
    monkeypatch.setattr("executions.egress.post", stage.post)
    monkeypatch.setattr(aws, "lend", lambda *_: KEYS)
    return stage

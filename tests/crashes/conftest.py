"""Runs whose workers die, on a database that commits, and an account that judges them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from pytest_django import Settings

from executions import aws, bus, queue, scripts
from executions import models as rows
from executions.aws import client as client_of
from tests.approvals.people import DECIDE, make_person
from tests.conftest import HandClock
from tests.crashes.account import Account, opened
from tests.crashes.sweep import WARM, Sessions, Sweep
from tests.engine.conftest import MAY
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs

OPERATIONS = (
    *("sts:AssumeRole", "ec2:StopInstances", "ssm:SendCommand", "sns:Publish", "lambda:Invoke"),
    *("cloudformation:CreateStack", "stepfunctions:StartExecution"),
)


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """An account that all tests share."""
    with opened() as made:
        yield made


@pytest.fixture(scope="session")
def sqlite_settings(sqlite_settings: dict[str, Any]) -> dict[str, Any]:
    """Nobody waits for the disk, as on PostgreSQL: workers die here, and not the machine."""
    options = sqlite_settings["OPTIONS"]
    command = f"{options['init_command']} PRAGMA synchronous=OFF;"
    return {**sqlite_settings, "OPTIONS": {**options, "init_command": command}}


@pytest.fixture(scope="session")
def models() -> botocore.session.Session:
    """botocore with the models of the services that runs use, as in a worker that is warm."""
    session = botocore.session.Session()
    for name in OPERATIONS:
        service, _, operation = name.partition(":")
        session.create_client(
            service, REGION, aws_access_key_id="simulated", aws_secret_access_key="simulated"
        )
        aws.operation(service, operation)
    return session


@pytest.fixture
def _worker(
    account: Account,
    models: botocore.session.Session,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tmp_path: Path,
) -> None:
    """What a worker's process has: an endpoint, credentials, a sandbox, and no Redis."""
    settings.AWS_ENDPOINT_URL = account.endpoint
    settings.EGRESS_HOSTS = ["*"]
    settings.SCRIPT_SPOOL = tmp_path / "spool"
    monkeypatch.setattr(queue, "_ring", lambda: None)
    monkeypatch.setattr(bus, "publish", lambda channel, message: None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    monkeypatch.setattr("executions.aws.client.core", models)
    # Webhooks go to the account too, without TLS, whatever their host.
    target = urlsplit(account.endpoint)
    place = (target.hostname or "", target.port or 0)
    monkeypatch.setattr("executions.egress.resolve", lambda host, port: "192.0.2.1")
    monkeypatch.setattr("executions.egress._connect", lambda *_: socket.create_connection(place))
    scripts.place()
    scripts.find_sandbox()


@pytest.fixture(scope="session")
def known_sessions() -> dict[str, Sessions]:
    """Those that tests have had, by their account's endpoint."""
    return {}


@pytest.fixture
def sessions(
    _worker: None,
    account: Account,
    known_sessions: dict[str, Sessions],
    monkeypatch: pytest.MonkeyPatch,
) -> Sessions:
    """Clients of a worker that has acted as the role before; the test's own process has none."""
    monkeypatch.setattr(client_of, "_clients", {})
    if account.endpoint not in known_sessions:
        identity = aws.Identity(ACCOUNT, WORKER_ROLE, WARM)
        for name in OPERATIONS:
            target = aws.operation(*name.split(":"))
            client_of._client(identity, REGION, target.service, client_of.read_time(target))
        known_sessions[account.endpoint] = dict(client_of._clients)
    return known_sessions[account.endpoint]


@pytest.fixture
def sweep(any_db: None, sessions: Sessions, hand_clock: HandClock, account: Account) -> Sweep:
    """olivia starts, alice approves, workers die."""
    # Behind AWS's clock, however far it is moved: what a run makes must not look older than it.
    hand_clock.now = datetime.now(UTC) - timedelta(days=300)
    rows.Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )
    runs = Runs(hand_clock, make_person("olivia", *MAY))
    return Sweep(runs, make_person("alice", *DECIDE), account, sessions)

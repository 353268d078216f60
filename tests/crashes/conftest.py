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
from django.core.management import call_command
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker, Settings

from console import env
from executions import aws, bus, queue, scripts
from executions import models as rows
from executions.aws import client as client_of
from tests.approvals.people import DECIDE, make_person
from tests.conftest import HandClock, _database
from tests.crashes.account import Account, opened
from tests.crashes.sweep import Sessions, Sweep
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


@pytest.fixture(scope="session")
def sqlite_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> dict[str, Any]:
    """Django's settings for a SQLite file with our tables in it."""
    path = tmp_path_factory.mktemp("sqlite") / "db.sqlite3"
    databases = {"default": env.database(f"sqlite:///{path}")}
    wanted: dict[str, Any] = ConnectionHandler(databases).settings["default"]
    with django_db_blocker.unblock(), _database(wanted):
        call_command("migrate", verbosity=0)
    return wanted


@pytest.fixture(params=["sqlite", "postgres"])
def any_db(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One after the other, committed and empty."""
    wanted = request.getfixturevalue(f"{request.param}_settings")
    with django_db_blocker.unblock(), _database(wanted):
        yield
        call_command("flush", interactive=False, verbosity=0)


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


@pytest.fixture
def sessions(_worker: None) -> Sessions:
    """Clients of a worker that has acted as the role before."""
    identity = aws.Identity(ACCOUNT, WORKER_ROLE, "warm")
    for name in OPERATIONS:
        target = aws.operation(*name.split(":"))
        client_of._client(identity, REGION, target.service, client_of.read_time(target))
    return {key: held for key, held in client_of._clients.items() if key[0] == identity}


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

"""Everybody who may call, with clients of boto3, and documents to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.apps import apps

from console.iam import presets
from console.iam.models import User
from executions import bus
from executions.library.predefined import install_all
from executions.models import Account, JournalEntry
from tests.api.door import make_client
from tests.pages.conftest import make_person
from tests.simulator.aws import PRODUCTION, STAGING

REGIONS = ["eu-west-1", "us-east-1"]
UNTOUCHED = {"JournalEntry", "AccessKey", "SignedRequest"}  # what a refusal may write

ClientOf = Callable[..., Any]
TWO = """schemaVersion: "0.3"
description: Two steps that take no time.
parameters:
  Word: {type: String, default: hello}
mainSteps:
  - {name: first, action: "aws:sleep", inputs: {Duration: PT0S}}
  - {name: second, action: "aws:sleep", inputs: {Duration: PT0S}}
"""
ASK = """schemaVersion: "0.3"
mainSteps:
  - {name: ask, action: "aws:approve", inputs: {Approvers: [alice, bob], Message: May I?}}
  - {name: after, action: "aws:sleep", inputs: {Duration: PT0S}}
"""


@pytest.fixture(autouse=True)
def _no_redis(settings: Any, tmp_path: Path) -> None:
    """No test rings at a Redis that happens to run here."""
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    bus.connection.cache_clear()


def make_people() -> dict[str, User]:
    """One of each preset, a stranger without any policy, and an administrator elsewhere."""
    for number, name in ((PRODUCTION, "Production"), (STAGING, "Staging")):
        role = f"arn:aws:iam::{number}:role/CountersignExecution"
        Account.objects.create(account_id=number, name=name, regions=REGIONS, role_arn=role)
    policies = presets.install()
    return {
        "operator": make_person("olivia", policies["CountersignOperator"]),
        "approver": make_person("alice", policies["CountersignApprover"]),
        "viewer": make_person("victor", policies["CountersignViewer"]),
        "administrator": make_person("ada", policies["CountersignAdministrator"]),
        "outsider": make_person("oscar", policies["CountersignAdministrator"], account=STAGING),
        "stranger": make_person("mallory"),
    }


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """By what they are."""
    return make_people()


@pytest.fixture
def client_of(people: dict[str, User]) -> ClientOf:
    """A factory of boto3 clients: `client_of("operator")`, `client_of("viewer", "us-east-1")`."""
    return lambda kind, region="eu-west-1": make_client(people[kind], region)


@pytest.fixture
def ada(client_of: ClientOf) -> Any:
    """The administrator's client."""
    return client_of("administrator")


@pytest.fixture
def olivia(client_of: ClientOf) -> Any:
    """The operator's client."""
    return client_of("operator")


@pytest.fixture
def two(ada: Any) -> str:
    """A document of two steps."""
    return create(ada, "Two", TWO)


@pytest.fixture
def ask(ada: Any) -> str:
    """A document that asks alice or bob."""
    return create(ada, "Ask", ASK)


@pytest.fixture
def predefined(db: None) -> None:
    """The documents of Amazon."""
    install_all()


def create(client: Any, name: str, content: str = TWO, **more: Any) -> str:
    """Create a document; its name."""
    client.create_document(
        Name=name, Content=content, DocumentFormat="YAML", DocumentType="Automation", **more
    )
    return name


def start(client: Any, document: str, **more: Any) -> str:
    """Start a document; the execution's id."""
    return str(
        client.start_automation_execution(DocumentName=document, **more)["AutomationExecutionId"]
    )


def rows() -> dict[str, int]:
    """How many rows each of our tables has, the journal and the keys aside."""
    models = [
        model
        for app in ("console", "approvals", "executions")
        for model in apps.get_app_config(app).get_models()
    ]
    return {
        model.__name__: model._default_manager.count()
        for model in models
        if model.__name__ not in UNTOUCHED
    }


@contextmanager
def refused(code: str, *, journalled: bool | None = None) -> Iterator[list[str]]:
    """The call ends with AWS's error of that name, and nothing is written but the journal."""
    before, entries, message = rows(), JournalEntry.objects.count(), [""]
    with pytest.raises(ClientError) as raised:
        yield message
    answer = raised.value.response
    assert answer["Error"]["Code"] == code, answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    message[0] = answer["Error"]["Message"]
    assert rows() == before
    if journalled is not None:
        last = JournalEntry.objects.last()
        assert JournalEntry.objects.count() == entries + journalled
        assert not journalled or (last is not None and not last.granted)

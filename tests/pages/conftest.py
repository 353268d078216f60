"""Everybody who may look at the pages, a simulated account behind them, and rows to look at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from console.iam import presets
from console.iam.models import Policy, Principal, User
from console.simulator import client as simulator
from executions.aws import client as aws_client
from executions.library.predefined import install_all
from executions.models import Account, Document, DocumentVersion, Execution
from executions.states import NEVER, Status
from tests.simulator.aws import PRODUCTION, STAGING, assume, find_instance, make_client

NOTHING = "00000000-0000-4000-8000-000000000000"  # the id of no row
REGIONS = ["eu-west-1", "us-east-1"]
RUNBOOK = """
description: Needs one value of each kind.
schemaVersion: "0.3"
parameters:
  InstanceId: {type: "List<AWS::EC2::Instance::Id>", default: []}
  Size: {type: String, allowedValues: [small, large], default: small}
  Ticket: {type: String, allowedPattern: "^OPS-[0-9]+$", description: The reason.}
  Count: {type: Integer, default: 1}
  Labels: {type: StringMap, default: {}}
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT0S}}
"""

SignIn = Callable[..., Client]
MakeRun = Callable[..., Execution]


@pytest.fixture(autouse=True)
def no_collected_files(settings: Any) -> None:
    """Nothing has been collected for a web server, and WhiteNoise warns if it should have been."""


def make_person(name: str, *policies: Policy, account: str = PRODUCTION) -> User:
    """Somebody with one principal and these policies."""
    person = User.objects.create(username=name, password="a hash that nothing meets")
    principal = Principal.objects.create(arn=f"arn:aws:iam::{account}:user/{name}", user=person)
    principal.policies.set(policies)
    return person


@pytest.fixture
def people(db: None) -> dict[str, User | None]:
    """By what they are: those of the presets, a stranger, one of another account, and nobody."""
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
        "anonymous": None,
    }


@pytest.fixture
def olivia(people: dict[str, User | None]) -> User:
    """The operator."""
    user = people["operator"]
    assert user
    return user


@pytest.fixture
def client_of(people: dict[str, User | None]) -> SignIn:
    """A factory of clients by what somebody is: `client_of("operator")`."""

    def sign_in(kind: str, **options: Any) -> Client:
        client = Client(**options)
        user = people[kind]
        if user:
            client.force_login(user)
        return client

    return sign_in


def make_version(name: str, content: str = RUNBOOK, owner: str = PRODUCTION) -> DocumentVersion:
    """A document with one version."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    document = Document.objects.create(owner=owner, name=name)
    return DocumentVersion.objects.create(
        document=document, number=1, content=content, format="YAML", sha256=digest
    )


@pytest.fixture
def version(db: None) -> DocumentVersion:
    """A document of Production with parameters that can be wrong in many ways."""
    return make_version("Resize")


@pytest.fixture
def predefined(db: None) -> None:
    """The documents of Amazon."""
    install_all()


@pytest.fixture
def make_run(olivia: User, version: DocumentVersion) -> MakeRun:
    """A factory of executions that the operator started and that nothing will move."""

    def make(**columns: Any) -> Execution:
        facts = {
            "account_id": PRODUCTION,
            "region": "eu-west-1",
            "version": version,
            "document_name": version.document.name,
            "started_by": olivia,
            "executed_by": f"arn:aws:iam::{PRODUCTION}:user/olivia",
            "status": Status.IN_PROGRESS,
            "wake_at": NEVER,
        }
        return Execution.objects.create(**facts | columns)

    return make


@pytest.fixture(scope="session")
def simulated() -> Iterator[str]:
    """The endpoint of a simulated account."""
    with simulator.started("--time-scale", "0.02") as endpoint:
        yield endpoint


@pytest.fixture
def aws(simulated: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The pages act on the simulated account; its endpoint."""
    settings.AWS_ENDPOINT_URL = simulated
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    aws_client._clients.clear()
    yield simulated
    aws_client._clients.clear()


@pytest.fixture(scope="session")
def web_1(simulated: str) -> str:
    """The id of an instance of Production in eu-west-1."""
    ec2 = make_client(simulated, "ec2", assume(simulated, PRODUCTION))
    return str(find_instance(ec2, "web-1")["InstanceId"])

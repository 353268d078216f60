"""The main job by the real AWS CLI and boto3, with nothing but an endpoint and keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.stack.account import Instances
from tests.stack.running import Stack, wait_until
from tests.stack.session import TOPIC

pytestmark = pytest.mark.stack

STOP = "AWS-StopEC2InstanceWithApproval"
REGION = "eu-west-1"
OLD = 1000  # executions of last year
ADD_OLD = f"""
from datetime import timedelta
from console.iam.models import User
from executions import clock
from executions.models import Document, DocumentVersion, Execution
from executions.states import NEVER
starter = User.objects.get(username="olivia")
document = Document.objects.create(owner="111122223333", name="Long-Ago")
version = DocumentVersion.objects.create(
    document=document, number=1, sha256="1" * 64, format="JSON",
    content='{{"schemaVersion": "0.3", "mainSteps": [{{"name": "a", "action": "aws:sleep",'
    ' "inputs": {{"Duration": "PT0S"}}}}]}}',
)
then = clock.now() - timedelta(days=365)
Execution.objects.bulk_create(
    Execution(
        account_id="111122223333", region="{REGION}", version=version, document_name="Long-Ago",
        started_by=starter, executed_by="arn:aws:iam::111122223333:user/olivia",
        status="Success", wake_at=NEVER, ended_at=then, created_at=then + timedelta(seconds=n // 3),
    )
    for n in range({OLD})
)
"""


class Cli:
    """`aws ssm` as one of the demo's people."""

    def __init__(self, stack: Stack, name: str) -> None:
        facts = stack.facts()
        self.endpoint = str(facts["ssm_endpoint"])
        self.keys = next(one for one in facts["users"] if one["username"] == name)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Whatever comes of it."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        keys = {
            "AWS_ACCESS_KEY_ID": str(self.keys["access_key_id"]),
            "AWS_SECRET_ACCESS_KEY": str(self.keys["secret_access_key"]),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        where = ["--endpoint-url", self.endpoint, "--region", REGION, "--output", "json"]
        program = [sys.executable, str(Path(sys.executable).parent / "aws")]
        return subprocess.run(
            [*program, "ssm", *words, *where],
            env={**ours, **keys},
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    def ask(self, *words: str) -> Any:
        """The answer."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def refused(self, *words: str) -> str:
        """What the CLI says of an error."""
        done = self.run(*words)
        assert done.returncode in {254, 255}, done.stdout  # of version 2 and of version 1
        return done.stderr

    def client(self) -> Any:
        """boto3's, with the same keys."""
        return boto3.client(
            "ssm",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.keys["access_key_id"],
            aws_secret_access_key=self.keys["secret_access_key"],
        )


@pytest.fixture(scope="module")
def olivia_cli(stack: Stack) -> Cli:
    """The operator's."""
    return Cli(stack, "olivia")


@pytest.fixture(scope="module")
def alice_cli(stack: Stack) -> Cli:
    """An approver's."""
    return Cli(stack, "alice")


@pytest.fixture(scope="module")
def old(stack: Stack) -> list[str]:
    """A thousand executions of last year; their ids are counted, not known."""
    stack.django(ADD_OLD)
    return ["--filters", "Key=DocumentNamePrefix,Values=Long-Ago"]


def parameters(instance: str) -> str:
    """As the CLI takes them."""
    return json.dumps({"InstanceId": [instance], "Approvers": ["alice"], "SNSTopicArn": [TOPIC]})


def test_main_job_by_the_cli(
    olivia_cli: Cli, alice_cli: Cli, instances: Instances, instance: str
) -> None:
    found = olivia_cli.ask("list-documents", "--filters", "Key=Name,Values=AWS-StopEC2")
    assert STOP in [one["Name"] for one in found["DocumentIdentifiers"]]
    started = olivia_cli.ask(
        "start-automation-execution", "--document-name", STOP,
        "--parameters", parameters(instance),
    )  # fmt: skip
    run = started["AutomationExecutionId"]
    by_id = ["--automation-execution-id", run]
    wait_until(lambda: asks(olivia_cli, run), f"{run} asks for approval")
    assert instances.state(instance) == "running"
    said = olivia_cli.refused("send-automation-signal", *by_id, "--signal-type", "Approve")
    assert "(AccessDeniedException)" in said
    alice_cli.ask(
        "send-automation-signal", *by_id, "--signal-type", "Approve",
        "--payload", "Comment=Checked",
    )  # fmt: skip
    wait_until(lambda: status(olivia_cli.client(), run) == "Success", f"{run} succeeds")
    steps = olivia_cli.ask("describe-automation-step-executions", *by_id)["StepExecutions"]
    assert {step["StepStatus"] for step in steps} == {"Success"}
    assert instances.state(instance) == "stopped"
    assert instances.effects(instance) == 1


def asks(cli: Cli, run: str) -> bool:
    """Whether the request is made: the step waits."""
    answer = cli.client().get_automation_execution(AutomationExecutionId=run)
    return any(
        step["StepStatus"] == "Waiting" for step in answer["AutomationExecution"]["StepExecutions"]
    )


def status(client: Any, run: str) -> str:
    """The execution's."""
    answer = client.get_automation_execution(AutomationExecutionId=run)
    return str(answer["AutomationExecution"]["AutomationExecutionStatus"])


def test_main_job_by_boto3(
    olivia_cli: Cli, alice_cli: Cli, instances: Instances, instance: str
) -> None:
    olivia, alice = olivia_cli.client(), alice_cli.client()
    run = olivia.start_automation_execution(
        DocumentName=STOP, Parameters=json.loads(parameters(instance))
    )["AutomationExecutionId"]
    wait_until(lambda: asks(olivia_cli, run), f"{run} asks for approval")
    alice.send_automation_signal(AutomationExecutionId=run, SignalType="Reject")
    wait_until(lambda: status(olivia, run) == "Failed", f"{run} fails")
    with pytest.raises(alice.exceptions.InvalidAutomationSignalException):
        alice.send_automation_signal(AutomationExecutionId=run, SignalType="Approve")
    assert instances.state(instance) == "running"
    assert instances.stops(instance) == []


def test_typed_exceptions(olivia_cli: Cli) -> None:
    client = olivia_cli.client()
    nobody = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    with pytest.raises(client.exceptions.AutomationExecutionNotFoundException):
        client.get_automation_execution(AutomationExecutionId=nobody)
    with pytest.raises(client.exceptions.AutomationDefinitionNotFoundException):
        client.start_automation_execution(DocumentName="Nothing")
    with pytest.raises(client.exceptions.InvalidAutomationExecutionParametersException):
        client.start_automation_execution(DocumentName=STOP)
    with pytest.raises(client.exceptions.InvalidDocument):
        client.get_document(Name="Nothing")
    with pytest.raises(client.exceptions.InvalidNextToken):
        client.describe_automation_executions(NextToken="forged")
    with pytest.raises(ClientError, match="UnknownOperationException"):
        client.get_parameter(Name="x")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["get-document", "--name", "Nothing"], "InvalidDocument"),
        (["create-document", "--name", "Mine", "--content", "{}"], "AccessDeniedException"),
        (["describe-automation-executions", "--filters", "Key=AutomationType,Values=Any"],
         "InvalidFilterValue"),
        (["describe-parameters"], "UnknownOperationException"),
    ],
)  # fmt: skip
def test_errors_by_the_cli(olivia_cli: Cli, words: Sequence[str], code: str) -> None:
    assert f"({code})" in olivia_cli.refused(*words)


def test_wrong_secret(olivia_cli: Cli) -> None:
    client = boto3.client(
        "ssm",
        endpoint_url=olivia_cli.endpoint,
        region_name=REGION,
        aws_access_key_id=olivia_cli.keys["access_key_id"],
        aws_secret_access_key="x" * 40,
    )
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        client.list_documents()


def test_thousand_executions_by_the_cli(olivia_cli: Cli, old: list[str]) -> None:
    answer = olivia_cli.ask("describe-automation-executions", *old, "--page-size", "40")
    found = [one["AutomationExecutionId"] for one in answer["AutomationExecutionMetadataList"]]
    assert len(found) == len(set(found)) == OLD
    times = [one["ExecutionStartTime"] for one in answer["AutomationExecutionMetadataList"]]
    assert times == sorted(times, reverse=True)


def test_thousand_executions_by_boto3_while_one_starts(
    olivia_cli: Cli, old: list[str], instance: str
) -> None:
    client, found, started = olivia_cli.client(), [], ""
    for page in client.get_paginator("describe_automation_executions").paginate(
        PaginationConfig={"PageSize": 50}
    ):
        rows = page["AutomationExecutionMetadataList"]
        found += [one["AutomationExecutionId"] for one in rows]
        started = (
            started
            or client.start_automation_execution(
                DocumentName="AWS-StopEC2Instance", Parameters={"InstanceId": [instance]}
            )["AutomationExecutionId"]
        )
    assert len(found) == len(set(found)) >= OLD
    assert started not in found
    wait_until(lambda: status(client, started) == "Success", f"{started} succeeds")

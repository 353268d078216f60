"""Runbooks on the simulated account, with the engine and its real door to AWS."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from pytest_django import Settings

from console.simulator import client
from executions import bus
from executions.models import Account, Execution
from tests.approvals.people import RUN, make_person
from tests.conftest import HandClock
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs, statuses, step
from tests.simulator.aws import PRODUCTION, assume, make_client
from tests.simulator.stacks import ROLE, impossible

MAY = (*RUN, "ssm:StartAutomationExecution", "iam:PassRole")
CODE = """
import boto3

def handler(event, context):
    if event.get("fail"):
        raise ValueError("the function does not like it")
    return boto3.client("ec2").describe_instances(InstanceIds=[event["id"]])[
        "Reservations"][0]["Instances"][0]["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
"""
FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "FunctionName": {"Ref": "Name"},
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Role": ROLE,
        "Timeout": 20,
        "Code": {"ZipFile": CODE},
    },
}
TEMPLATE = {"Parameters": {"Name": {"Type": "String"}}, "Resources": {"Function": FUNCTION}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "Next": "E"},
                                   "E": {"Type": "Succeed"}}}  # fmt: skip
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Mine", "Cause": "so it is"}}}


@pytest.fixture
def _worker(endpoint: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has a worker's settings and credentials; there is no Redis to ring at."""
    settings.AWS_ENDPOINT_URL = endpoint
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    bus.connection.cache_clear()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    monkeypatch.setattr("executions.aws.client.core", botocore.session.Session())


@pytest.fixture
def runs(db: None, hand_clock: HandClock, _worker: None) -> Runs:
    """Runs by olivia whose calls arrive at the simulated account; waits are jumped over."""
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )
    return Runs(hand_clock, make_person("olivia", *MAY))


@pytest.fixture
def states(endpoint: str) -> Any:
    return make_client(endpoint, "stepfunctions", assume(endpoint, PRODUCTION))


def act(name: str, action: str, /, **inputs: Any) -> dict[str, Any]:
    return {"name": name, "action": action, "timeoutSeconds": 86_400, "inputs": inputs}


def with_function(name: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
    """A stack with a function, an invocation, and the stack's end whatever comes of that."""
    invoke = act("invoke", "aws:invokeLambdaFunction", FunctionName=name)
    invoke["inputs"]["Payload"] = json.dumps(payload)
    invoke["onFailure"] = "step:delete"
    create = act(
        "create",
        "aws:createStack",
        StackName=name,
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=[{"ParameterKey": "Name", "ParameterValue": name}],
    )
    return [create, invoke, act("delete", "aws:deleteStack", StackName=name)]


def failure(execution: Execution, name: str) -> str:
    return str(step(execution, name).failure_message)


def test_a_stack_a_function_and_the_stack_is_gone(runs: Runs, ec2: Any, instance_id: str) -> None:
    done = runs.run(*with_function("Automation-root-volume", {"id": instance_id}))
    assert done.status == "Success", done.failure_message
    volume = step(done, "invoke").outputs["Payload"]
    assert volume.startswith("vol-")
    assert ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == "in-use"
    assert step(done, "create").outputs["StackStatus"] == "CREATE_COMPLETE"


def test_a_function_that_fails_leads_to_the_clean_up(runs: Runs, endpoint: str) -> None:
    done = runs.run(*with_function("Automation-failing", {"fail": True}))
    assert statuses(done) == {"create": "Success", "invoke": "Failed", "delete": "Success"}
    assert done.status == "Failed"
    assert "the function does not like it" in failure(done, "invoke")
    assert client.calls(endpoint, operation="DeleteStack")[-1]["effective"]


def test_a_stack_that_cannot_be_made_says_why(runs: Runs) -> None:
    body = json.dumps(impossible("from-a-runbook"))
    create = act("create", "aws:createStack", StackName="impossible", TemplateBody=body)
    done = runs.run({**create, "maxAttempts": 2})
    assert statuses(done) == {"create": "Failed"}
    assert "Host is CREATE_FAILED" in failure(done, "create")
    assert step(done, "create").attempt == 2  # what the first one left was deleted


@pytest.mark.parametrize(
    ("definition", "status"), [(WAIT, "Success"), (FAIL, "Failed")], ids=["waits", "fails"]
)
def test_a_state_machine_is_followed_to_its_end(
    runs: Runs, states: Any, definition: Any, status: str
) -> None:
    machine = states.create_state_machine(
        name=f"for-runbooks-{status}", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    follow = act("follow", "aws:executeStateMachine", stateMachineArn=machine, input='{"a": 1}')
    done = runs.run(follow)
    assert done.status == status
    if status == "Success":
        assert json.loads(step(done, "follow").outputs["output"]) == {"a": 1}
    else:
        assert "Mine: so it is" in failure(done, "follow")


def test_an_image_is_made_copied_and_deleted(runs: Runs, ec2: Any) -> None:
    launch = act("launch", "aws:runInstances", ImageId=_public_image(ec2), InstanceType="t3.micro")
    stop = act(
        "stop",
        "aws:changeInstanceState",
        InstanceIds="{{ launch.InstanceIds }}",
        DesiredState="stopped",
    )
    image = act(
        "image",
        "aws:createImage",
        InstanceId="{{ launch.InstanceIds }}",
        ImageName="made by {{ automation:EXECUTION_ID }}",
        NoReboot=True,
    )
    copy = act(
        "copy",
        "aws:copyImage",
        SourceRegion=REGION,
        SourceImageId="{{ image.ImageId }}",
        ImageName="copied by {{ automation:EXECUTION_ID }}",
    )
    delete = act("delete", "aws:deleteImage", ImageId="{{ image.ImageId }}")
    end = {**stop, "name": "end", "inputs": {**stop["inputs"], "DesiredState": "terminated"}}
    done = runs.run(launch, stop, image, copy, delete, end)
    assert done.status == "Success", done.failure_message
    left = {item["ImageId"] for item in ec2.describe_images(Owners=["self"])["Images"]}
    assert step(done, "copy").outputs["ImageId"] in left
    assert step(done, "image").outputs["ImageId"] not in left


def test_a_database_is_stopped_and_waited_for(runs: Runs) -> None:
    database = {"Service": "rds", "DBInstanceIdentifier": "orders-history"}
    api = {"Api": "StopDBInstance", **database}
    wait = {
        **database,
        "Api": "DescribeDBInstances",
        "PropertySelector": "$.DBInstances[0].DBInstanceStatus",
    }
    done = runs.run(
        act("stop", "aws:executeAwsApi", **api),
        act("stopped", "aws:waitForAwsResourceProperty", **wait, DesiredValues=["stopped"]),
        act("start", "aws:executeAwsApi", **{**api, "Api": "StartDBInstance"}),
        act("started", "aws:waitForAwsResourceProperty", **wait, DesiredValues=["available"]),
    )
    assert done.status == "Success", done.failure_message


def _public_image(ec2: Any) -> str:
    found: str = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    return found

"""CloudFormation over a real socket: updates, replacements, rollbacks and change sets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulator.aws import PRODUCTION, assume, make_client
from tests.simulator.stacks import create, events, impossible, queue, trail, wait


@pytest.fixture
def aws(endpoint: str) -> Any:
    return make_client(endpoint, "cloudformation", assume(endpoint, PRODUCTION))


@pytest.fixture
def sqs(endpoint: str) -> Any:
    return make_client(endpoint, "sqs", assume(endpoint, PRODUCTION))


def update(aws: Any, name: str, template: Any, **given: Any) -> dict[str, Any]:
    """Update and wait."""
    aws.update_stack(StackName=name, TemplateBody=json.dumps(template), **given)
    return wait(aws, name)


def queues(sqs: Any, prefix: str) -> list[str]:
    urls = sqs.list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])
    return [url.rpartition("/")[2] for url in urls]


def test_a_changed_name_replaces_the_resource(aws: Any, sqs: Any) -> None:
    wait(aws, create(aws, "renamed", queue("renamed-a")))
    stack = update(aws, "renamed", queue("renamed-b"))
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"].endswith("/renamed-b")
    assert queues(sqs, "renamed") == ["renamed-b"]
    reasons = [each.get("ResourceStatusReason", "") for each in events(aws, "renamed")]
    assert any("creation of a new physical resource" in reason for reason in reasons)


def test_other_properties_change_in_place(aws: Any, sqs: Any) -> None:
    wait(aws, create(aws, "patient", queue("patient")))
    assert update(aws, "patient", queue("patient", VisibilityTimeout=77))["StackStatus"] == (
        "UPDATE_COMPLETE"
    )
    url = sqs.get_queue_url(QueueName="patient")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert found["Attributes"]["VisibilityTimeout"] == "77"


def test_a_parameter_alone_is_a_change(aws: Any, sqs: Any) -> None:
    template = queue("by-parameter", VisibilityTimeout={"Ref": "Seconds"})
    template["Parameters"] = {"Seconds": {"Type": "Number", "Default": "10"}}
    wait(aws, create(aws, "by-parameter", template))
    given = [{"ParameterKey": "Seconds", "ParameterValue": "20"}]
    aws.update_stack(StackName="by-parameter", UsePreviousTemplate=True, Parameters=given)
    assert wait(aws, "by-parameter")["StackStatus"] == "UPDATE_COMPLETE"
    url = sqs.get_queue_url(QueueName="by-parameter")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert found["Attributes"]["VisibilityTimeout"] == "20"


def test_a_failed_update_is_undone(aws: Any, sqs: Any) -> None:
    wait(aws, create(aws, "undone", queue("undone-a")))
    stack = update(aws, "undone", impossible("undone-b"))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"].endswith("/undone-a")
    assert queues(sqs, "undone") == ["undone-a"]
    failed = [each for each in events(aws, "undone") if "FAILED" in each["ResourceStatus"]]
    assert [each["LogicalResourceId"] for each in failed] == ["Host"]
    assert "does not exist" in failed[0]["ResourceStatusReason"]
    assert trail(aws, stack["StackId"])[-1] == "stack UPDATE_ROLLBACK_COMPLETE"


def test_a_change_in_place_is_changed_back(aws: Any, sqs: Any) -> None:
    wait(aws, create(aws, "back", queue("back", VisibilityTimeout=10)))
    template = impossible("back")
    template["Resources"]["Queue"]["Properties"]["VisibilityTimeout"] = 20
    assert update(aws, "back", template)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    url = sqs.get_queue_url(QueueName="back")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert found["Attributes"]["VisibilityTimeout"] == "10"


def test_what_is_no_longer_wanted_goes(aws: Any, sqs: Any) -> None:
    template = queue("stays")
    template["Resources"]["Second"] = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": "goes"},
    }
    wait(aws, create(aws, "fewer", template))
    assert update(aws, "fewer", queue("stays"))["StackStatus"] == "UPDATE_COMPLETE"
    assert queues(sqs, "goes") == []
    resources = aws.list_stack_resources(StackName="fewer")["StackResourceSummaries"]
    assert [each["LogicalResourceId"] for each in resources] == ["Queue"]


def test_no_change_is_refused(aws: Any) -> None:
    wait(aws, create(aws, "same", queue("same")))
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        update(aws, "same", queue("same"))


def test_a_stack_that_was_rolled_back_takes_no_update(aws: Any) -> None:
    wait(aws, create(aws, "lost", impossible("lost")))
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        update(aws, "lost", queue("lost"))


def test_inline_code_is_updated(aws: Any, endpoint: str) -> None:
    def template(answer: int) -> dict[str, Any]:
        code = f"def handler(event, context):\n    return {answer}\n"
        properties = {
            "FunctionName": "Automation-changed",
            "Runtime": "python3.11",
            "Handler": "index.handler",
            "Role": "arn:aws:iam::111122223333:role/CountersignExecution",
            "Code": {"ZipFile": code},
        }
        return {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}}

    wait(aws, create(aws, "code", template(1)))
    assert update(aws, "code", template(2))["StackStatus"] == "UPDATE_COMPLETE"
    functions = make_client(endpoint, "lambda", assume(endpoint, PRODUCTION), read_timeout=60)
    assert functions.invoke(FunctionName="Automation-changed")["Payload"].read() == b"2"


def test_a_change_set_creates_and_updates(aws: Any, sqs: Any) -> None:
    for kind, name in (("CREATE", "set-a"), ("UPDATE", "set-b")):
        made = aws.create_change_set(
            StackName="by-change-set",
            ChangeSetName=f"set-{kind}",
            ChangeSetType=kind,
            TemplateBody=json.dumps(queue(name)),
        )
        aws.execute_change_set(ChangeSetName=made["Id"])
        assert wait(aws, "by-change-set")["StackStatus"] == f"{kind}_COMPLETE"
    assert queues(sqs, "set-") == ["set-b"]

"""CloudFormation over a real socket: stacks that come, fail, roll back and go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from console.simulator import client
from tests.simulator.aws import PRODUCTION, assume, make_client
from tests.simulator.stacks import ROLE, create, events, impossible, queue, trail, wait


@pytest.fixture
def aws(endpoint: str) -> Any:
    return make_client(endpoint, "cloudformation", assume(endpoint, PRODUCTION))


@pytest.fixture
def s3(endpoint: str) -> Any:
    return make_client(endpoint, "s3", assume(endpoint, PRODUCTION))


def test_a_stack_shows_in_progress_without_resources(frozen: str) -> None:
    aws = make_client(frozen, "cloudformation", assume(frozen, PRODUCTION))
    stack_id = create(aws, "slow", queue("slow"))
    stack = aws.describe_stacks(StackName=stack_id)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_IN_PROGRESS"
    assert "Outputs" not in stack
    assert aws.describe_stack_resources(StackName="slow")["StackResources"] == []
    sqs = make_client(frozen, "sqs", assume(frozen, PRODUCTION))
    assert "slow" not in str(sqs.list_queues().get("QueueUrls"))


def test_a_stack_comes_to_be_with_its_events(aws: Any) -> None:
    stack_id = create(aws, "plain", queue("plain"), ClientRequestToken="token-plain")
    stack = wait(aws, stack_id)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"].endswith("/plain")
    assert trail(aws, stack_id) == [
        "stack CREATE_IN_PROGRESS",
        "Queue CREATE_IN_PROGRESS",
        "Queue CREATE_COMPLETE",
        "stack CREATE_COMPLETE",
    ]
    assert {each["ClientRequestToken"] for each in events(aws, stack_id)} == {"token-plain"}


def test_what_cannot_be_made_is_rolled_back_with_the_reason(aws: Any, endpoint: str) -> None:
    stack_id = create(aws, "doomed", impossible("doomed-queue"))
    assert wait(aws, stack_id)["StackStatus"] == "ROLLBACK_COMPLETE"
    found = trail(aws, stack_id)
    assert found[-4:] == [
        "stack ROLLBACK_IN_PROGRESS",
        "Queue DELETE_IN_PROGRESS",
        "Queue DELETE_COMPLETE",
        "stack ROLLBACK_COMPLETE",
    ]
    failed = next(e for e in events(aws, stack_id) if e["ResourceStatus"] == "CREATE_FAILED")
    assert "does not exist" in failed["ResourceStatusReason"]
    sqs = make_client(endpoint, "sqs", assume(endpoint, PRODUCTION))
    assert "doomed-queue" not in str(sqs.list_queues().get("QueueUrls"))


@pytest.mark.parametrize(
    ("option", "status"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED"),
        ({"DisableRollback": True}, "CREATE_FAILED"),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE"),
    ],
)
def test_the_failure_option_says_what_follows(
    aws: Any, option: dict[str, Any], status: str
) -> None:
    name = f"option-{status.replace('_', '-')}-{len(option)}{next(iter(option))}"
    stack_id = create(aws, name, impossible(name), **option)
    assert wait(aws, stack_id)["StackStatus"] == status


def test_a_token_makes_one_stack(aws: Any, endpoint: str) -> None:
    first = create(aws, "once", queue("once"), ClientRequestToken="once")
    assert create(aws, "once", queue("once"), ClientRequestToken="once") == first
    with pytest.raises(ClientError, match="TokenAlreadyExistsException"):
        create(aws, "once", queue("other"), ClientRequestToken="once")
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        create(aws, "once", queue("once"), ClientRequestToken="another")
    logged = client.calls(endpoint, operation="CreateStack")
    assert [call["effective"] for call in logged] == [[first], [], [], []]


def test_a_name_that_is_taken_fails_the_resource(aws: Any) -> None:
    wait(aws, create(aws, "has-it", queue("wanted")))
    assert wait(aws, create(aws, "wants-it", queue("wanted")))["StackStatus"] == "ROLLBACK_COMPLETE"


def test_secret_parameters_are_hidden(aws: Any) -> None:
    template = {**queue("secretive"), "Parameters": {"Key": {"Type": "String", "NoEcho": True}}}
    given = [{"ParameterKey": "Key", "ParameterValue": "swordfish"}]
    stack = wait(aws, create(aws, "secretive", template, Parameters=given))
    assert stack["Parameters"] == [{"ParameterKey": "Key", "ParameterValue": "****"}]


def test_iam_needs_its_capability(aws: Any) -> None:
    trust = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    template = {"Resources": {"Role": role}}
    with pytest.raises(ClientError, match=r"Requires capabilities : \[CAPABILITY_IAM\]"):
        create(aws, "roles", template)
    stack_id = create(aws, "roles", template, Capabilities=["CAPABILITY_IAM"])
    assert wait(aws, stack_id)["StackStatus"] == "CREATE_COMPLETE"
    role["Properties"] = {"AssumeRolePolicyDocument": trust, "RoleName": "NamedByStack"}
    with pytest.raises(ClientError, match="CAPABILITY_NAMED_IAM"):
        create(aws, "named", template, Capabilities=["CAPABILITY_IAM"])


@pytest.mark.parametrize(
    "url",
    [
        "https://stack-templates.s3.eu-west-1.amazonaws.com/a/queue.json",
        "https://stack-templates.s3.amazonaws.com/a/queue.json",
        "https://s3.eu-west-1.amazonaws.com/stack-templates/a/queue.json",
        "{endpoint}/stack-templates/a/queue.json",
    ],
)
def test_a_template_comes_from_s3(aws: Any, s3: Any, endpoint: str, url: str) -> None:
    if "stack-templates" not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
        where = {"LocationConstraint": "eu-west-1"}
        s3.create_bucket(Bucket="stack-templates", CreateBucketConfiguration=where)
    body = json.dumps(queue("from-s3"))
    s3.put_object(Bucket="stack-templates", Key="a/queue.json", Body=body)
    stack_id = aws.create_stack(StackName="from-s3", TemplateURL=url.format(endpoint=endpoint))
    assert wait(aws, stack_id["StackId"])["StackStatus"] == "CREATE_COMPLETE"
    aws.delete_stack(StackName="from-s3")
    assert wait(aws, stack_id["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_template_that_is_not_in_s3_is_refused(aws: Any) -> None:
    url = "https://nobodys.s3.amazonaws.com/queue.json"
    with pytest.raises(ClientError, match="S3 error"):
        aws.create_stack(StackName="nowhere", TemplateURL=url)


def test_deleting_takes_the_resources_along(aws: Any, endpoint: str) -> None:
    stack_id = create(aws, "short-lived", queue("short-lived"))
    wait(aws, stack_id)
    aws.delete_stack(StackName="short-lived", ClientRequestToken="delete-it")
    assert wait(aws, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        aws.describe_stacks(StackName="short-lived")
    sqs = make_client(endpoint, "sqs", assume(endpoint, PRODUCTION))
    assert "short-lived" not in str(sqs.list_queues().get("QueueUrls"))
    aws.delete_stack(StackName="short-lived")
    tokens = {each.get("ClientRequestToken") for each in events(aws, stack_id)}
    assert tokens == {None, "delete-it"}


def test_a_bucket_with_something_in_it_holds_its_stack(aws: Any, s3: Any) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "held-by-a-file"}}
    stack_id = create(aws, "held", {"Resources": {"Store": bucket}})
    wait(aws, stack_id)
    s3.put_object(Bucket="held-by-a-file", Key="x", Body=b"x")
    aws.delete_stack(StackName="held")
    stack = wait(aws, stack_id)
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [Store]. "
    assert "not empty" in events(aws, stack_id)[-2]["ResourceStatusReason"]
    aws.delete_stack(StackName="held", RetainResources=["Store"])
    assert wait(aws, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert s3.head_bucket(Bucket="held-by-a-file")


def test_an_instance_that_must_not_be_terminated_holds_its_stack(aws: Any, ec2: Any) -> None:
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    host = {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": image}}
    stack_id = create(aws, "protected", {"Resources": {"Host": host}})
    wait(aws, stack_id)
    resources = aws.describe_stack_resources(StackName="protected")["StackResources"]
    instance_id = resources[0]["PhysicalResourceId"]
    ec2.modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": True})
    aws.delete_stack(StackName="protected")
    assert wait(aws, stack_id)["StackStatus"] == "DELETE_FAILED"


def test_termination_protection_refuses(aws: Any) -> None:
    wait(aws, create(aws, "kept", queue("kept"), EnableTerminationProtection=True))
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        aws.delete_stack(StackName="kept")


def test_inline_functions_come_with_their_role(aws: Any, endpoint: str) -> None:
    code = "def handler(event, context):\n    return event['n'] + 1\n"
    properties = {
        "FunctionName": "Automation-increment",
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Role": ROLE,
        "Code": {"ZipFile": code},
    }
    function = {"Type": "AWS::Lambda::Function", "Properties": properties}
    wait(aws, create(aws, "function", {"Resources": {"Increment": function}}))
    functions = make_client(endpoint, "lambda", assume(endpoint, PRODUCTION), read_timeout=60)
    answer = functions.invoke(FunctionName="Automation-increment", Payload=b'{"n": 41}')
    assert json.load(answer["Payload"]) == 42


def test_the_seeded_stack_is_there(frozen: str) -> None:
    aws = make_client(frozen, "cloudformation", assume(frozen, PRODUCTION))
    stack = aws.describe_stacks(StackName="orders-work-queue")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {each["OutputKey"] for each in stack["Outputs"]} == {"QueueUrl", "TopicArn"}

"""The runbooks that work through stacks: CloudFormation's own, and Auto Scaling's standby."""

from __future__ import annotations

import copy
import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.library.running import Library, Run

pytestmark = pytest.mark.stack
UPDATE, DELETE = "AWS-UpdateCloudFormationStack", "AWS-DeleteCloudFormationStack"
TEMPLATE = {
    "Parameters": {"Delay": {"Type": "String", "Default": "0"}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": {"Ref": "Delay"}}}
    },
}


@dataclass(frozen=True)
class Stack:
    """A stack whose parameter Delay is 7, and where its new templates are."""

    library: Library
    name: str
    bucket: str
    role: str

    def put(self, **resources: Any) -> str:
        """Put a template with more resources into S3; its address."""
        template: dict[str, Any] = copy.deepcopy(TEMPLATE)
        template["Resources"] |= resources
        key = f"{uuid.uuid4()}.json"
        self.library.aws("s3").put_object(Bucket=self.bucket, Key=key, Body=json.dumps(template))
        return f"https://{self.bucket}.s3.eu-west-1.amazonaws.com/{key}"

    def facts(self) -> dict[str, str]:
        """What the update runbooks take, besides the template."""
        return {"StackNameOrId": self.name, "LambdaAssumeRole": self.role}

    def update(self, url: str) -> Run:
        """Update it from a template."""
        return self.library.run(UPDATE, TemplateUrl=url, **self.facts())

    def describe(self) -> dict[str, Any]:
        """As CloudFormation does."""
        answer = self.library.aws("cloudformation").describe_stacks(StackName=self.name)
        found: dict[str, Any] = answer["Stacks"][0]
        return found

    def kinds(self) -> set[str]:
        """The types of its resources."""
        answer = self.library.aws("cloudformation").describe_stack_resources(StackName=self.name)
        return {str(one["ResourceType"]) for one in answer["StackResources"]}


@pytest.fixture
def stack(library: Library) -> Stack:
    """One that is complete."""
    name = f"orders-{uuid.uuid4().hex[:8]}"
    where = {"LocationConstraint": "eu-west-1"}
    library.aws("s3").create_bucket(Bucket=f"{name}-templates", CreateBucketConfiguration=where)
    library.aws("cloudformation").create_stack(
        StackName=name,
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=[{"ParameterKey": "Delay", "ParameterValue": "7"}],
    )
    made = Stack(library, name, f"{name}-templates", library.make_role_arn("lambda"))
    library.wait_for(lambda: made.describe()["StackStatus"] == "CREATE_COMPLETE", name)
    return made


def test_stack_is_updated(stack: Stack) -> None:
    run = stack.update(stack.put(Topic={"Type": "AWS::SNS::Topic"}))
    assert run.status == "Success", run
    assert list(run.steps) == [
        "createDocumentStack", "updateCloudFormationTemplate", "deleteCloudFormationTemplate",
    ]  # fmt: skip
    assert stack.kinds() == {"AWS::SQS::Queue", "AWS::SNS::Topic"}
    found = stack.describe()
    assert found["StackStatus"] == "UPDATE_COMPLETE"
    assert found["Parameters"] == [{"ParameterKey": "Delay", "ParameterValue": "7"}]
    assert stack.library.left_behind(run) == []


def test_update_that_is_rolled_back(stack: Stack) -> None:
    broken = {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "ami-00000000"}}
    run = stack.update(stack.put(Broken=broken))
    assert run.status == "Failed"
    assert run.steps["updateCloudFormationTemplate"] == "Failed"
    assert run.steps["deleteCloudFormationTemplate"] == "Success"
    assert "UPDATE_ROLLBACK_COMPLETE: The image id '[ami-00000000]' does not exist" in run.why
    assert stack.describe()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.kinds() == {"AWS::SQS::Queue"}
    assert stack.library.left_behind(run) == []


def test_function_that_cannot_be_deployed(stack: Stack) -> None:
    run = stack.library.run(
        UPDATE, StackNameOrId=stack.name, TemplateUrl=stack.put(),
        LambdaAssumeRole="arn:aws:iam::111122223333:role/nobody",
    )  # fmt: skip
    assert run.status == "Failed"
    assert "updateCloudFormationTemplate" not in run.steps or (
        run.steps["updateCloudFormationTemplate"] == "Failed"
    )
    assert run.steps["deleteCloudFormationTemplate"] == "Success"
    assert stack.library.left_behind(run) == []


def test_update_with_approval(stack: Stack) -> None:
    url = stack.put(Topic={"Type": "AWS::SNS::Topic"})
    rejected = stack.library.decide(
        f"{UPDATE}WithApproval", "Reject", TemplateUrl=url, **stack.facts()
    )
    assert (rejected.status, rejected.steps) == ("Failed", {"approve": "Failed"})
    assert stack.kinds() == {"AWS::SQS::Queue"}
    approved = stack.library.decide(
        f"{UPDATE}WithApproval", "Approve", TemplateUrl=url, **stack.facts()
    )
    assert approved.status == "Success", approved
    assert stack.kinds() == {"AWS::SQS::Queue", "AWS::SNS::Topic"}


def test_stack_is_deleted(stack: Stack) -> None:
    arn = stack.describe()["StackId"]
    run = stack.library.run(DELETE, StackNameOrId=stack.name)
    assert (run.status, run.steps) == ("Success", {"deleteCloudFormationStack": "Success"})
    found = stack.library.aws("cloudformation").describe_stacks(StackName=arn)["Stacks"][0]
    assert found["StackStatus"] == "DELETE_COMPLETE"


def test_stack_that_cannot_be_deleted(stack: Stack) -> None:
    name = f"{stack.name}-full"
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}
    assert stack.update(stack.put(Bucket=bucket)).status == "Success"
    stack.library.aws("s3").put_object(Bucket=name, Key="kept", Body=b"kept")
    run = stack.library.run(DELETE, StackNameOrId=stack.name)
    assert (run.status, run.steps) == ("Failed", {"deleteCloudFormationStack": "Failed"})
    assert "failed to delete: [Bucket]" in run.why
    assert stack.describe()["StackStatus"] == "DELETE_FAILED"


def test_delete_with_approval(stack: Stack) -> None:
    document = f"{DELETE}WithApproval"
    rejected = stack.library.decide(document, "Reject", StackNameOrId=stack.name)
    assert (rejected.status, rejected.steps) == ("Failed", {"approve": "Failed"})
    arn = stack.describe()["StackId"]
    approved = stack.library.decide(document, "Approve", StackNameOrId=stack.name)
    assert approved.status == "Success", approved
    found = stack.library.aws("cloudformation").describe_stacks(StackName=arn)["Stacks"][0]
    assert found["StackStatus"] == "DELETE_COMPLETE"


def test_instance_goes_into_standby_and_back(library: Library) -> None:
    group, instance = make_group(library)
    run = library.run("AWS-ASGEnterStandby", InstanceId=instance)
    assert run.status == "Success", run
    steps = ["deployChangeStateLambda", "changeState", "deleteChangeStateLambda"]
    assert list(run.steps) == steps
    assert life(library, instance) == "Standby"
    assert capacity(library, group) == 1
    assert library.left_behind(run) == []
    run = library.run("AWS-ASGExitStandby", InstanceId=instance)
    assert (run.status, list(run.steps)) == ("Success", steps)
    assert life(library, instance) == "InService"
    assert capacity(library, group) == 2


def test_standby_of_an_instance_in_no_group(library: Library) -> None:
    run = library.run("AWS-ASGEnterStandby", InstanceId=library.launch())
    assert run.status == "Failed"
    assert run.steps == {
        "deployChangeStateLambda": "Success",
        "changeState": "Failed",
        "deleteChangeStateLambda": "Success",
    }
    assert "is in no Auto Scaling group" in run.why
    assert library.left_behind(run) == []


def make_group(library: Library) -> tuple[str, str]:
    """A group of two; its name, and one of the two."""
    name = f"web-{uuid.uuid4().hex[:8]}"
    library.aws("ec2").create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"ImageId": library.linux()}
    )
    library.aws("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name, MinSize=0, MaxSize=3, DesiredCapacity=2,
        LaunchTemplate={"LaunchTemplateName": name}, AvailabilityZones=["eu-west-1a"],
    )  # fmt: skip
    return name, str(group_of(library, name)["Instances"][0]["InstanceId"])


def group_of(library: Library, name: str) -> dict[str, Any]:
    answer = library.aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    found: dict[str, Any] = answer["AutoScalingGroups"][0]
    return found


def capacity(library: Library, name: str) -> int:
    return int(group_of(library, name)["DesiredCapacity"])


def life(library: Library, instance: str) -> str:
    answer = library.aws("autoscaling").describe_auto_scaling_instances(InstanceIds=[instance])
    return str(answer["AutoScalingInstances"][0]["LifecycleState"])

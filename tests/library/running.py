"""Predefined runbooks run through the SSM API, and the account afterwards."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3

from console.simulator import client
from tests.simulator.aws import assume, describe, make_client
from tests.stack.account import PRODUCTION
from tests.stack.running import Stack, wait_until
from tests.stack.session import TOPIC

REGION = "eu-west-1"
LINUX = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
WINDOWS = "Windows_Server-20*-English-Full-Base-*"
UNDER_WAY = {"Pending", "InProgress", "Delayed"}
FINAL = {"Success", "Failed", "TimedOut", "Cancelled"}


class Run:
    """An execution that has ended."""

    def __init__(self, execution: dict[str, Any]) -> None:
        self.id = str(execution["AutomationExecutionId"])
        self.status = str(execution["AutomationExecutionStatus"])
        self.why = str(execution.get("FailureMessage", ""))
        self.outputs: dict[str, list[str]] = execution.get("Outputs", {})
        self._steps: list[dict[str, Any]] = execution["StepExecutions"]

    @property
    def steps(self) -> dict[str, str]:
        """The status of each step that began, in the order of the document."""
        began = [step for step in self._steps if step["StepStatus"] != "Pending"]
        return {str(step["StepName"]): str(step["StepStatus"]) for step in began}

    def output(self, step: str, name: str) -> str:
        """The first value of an output of a step."""
        found = next(one for one in self._steps if one["StepName"] == step)
        return str(found["Outputs"][name][0])

    def __repr__(self) -> str:
        return f"{self.status} {self.steps} {self.why}"


class Library:
    """The demo's people at the SSM API, and the simulated account as its owner sees it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.aws_endpoint = stack.aws
        self.olivia = self._person("olivia")
        self.alice = self._person("alice")
        self.aws = cache(self._aws)

    def _person(self, name: str) -> Any:
        facts = self.stack.facts()
        keys = next(one for one in facts["users"] if one["username"] == name)
        return boto3.client(
            "ssm",
            endpoint_url=str(facts["ssm_endpoint"]),
            region_name=REGION,
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
        )

    def _aws(self, service: str) -> Any:
        return make_client(self.aws_endpoint, service, assume(self.aws_endpoint, PRODUCTION))

    def start(self, document: str, /, **parameters: str | list[str]) -> str:
        """Start it as olivia; the id of the run."""
        wire = {
            name: value if isinstance(value, list) else [value]
            for name, value in parameters.items()
        }
        answer = self.olivia.start_automation_execution(DocumentName=document, Parameters=wire)
        return str(answer["AutomationExecutionId"])

    def end(self, run: str) -> Run:
        """The run, once it has ended."""
        return Run(wait_until(lambda: self._ended(run), f"{run} ends"))

    def run(self, document: str, /, **parameters: str | list[str]) -> Run:
        """Start it, and wait for its end."""
        return self.end(self.start(document, **parameters))

    def cancel(self, run: str, step: str) -> Run:
        """Cancel a run as soon as a step of it is under way, and wait for its end."""

        def is_there() -> bool:
            steps = self._read(run)["StepExecutions"]
            return (step, "InProgress") in {(one["StepName"], one["StepStatus"]) for one in steps}

        wait_until(is_there, f"{run} is at {step}")
        self.olivia.stop_automation_execution(AutomationExecutionId=run, Type="Cancel")
        return self.end(run)

    def child(self, run: Run) -> Run:
        """The run that a step of this one started."""
        filters = [{"Key": "ParentExecutionId", "Values": [run.id]}]
        answer = self.olivia.describe_automation_executions(Filters=filters)
        (found,) = answer["AutomationExecutionMetadataList"]
        return self.end(found["AutomationExecutionId"])

    def left_behind(self, run: Run) -> list[str]:
        """The stacks and functions of a run that are there yet."""
        stacks = self.aws("cloudformation").describe_stacks()["Stacks"]
        functions = self.aws("lambda").list_functions()["Functions"]
        names = [one["StackName"] for one in stacks] + [one["FunctionName"] for one in functions]
        return [name for name in names if run.id in name]

    def decide(self, document: str, signal: str, /, **parameters: str | list[str]) -> Run:
        """Start its form with approval, let alice decide, and wait for its end."""
        run = self.start(document, Approvers=["alice"], SNSTopicArn=TOPIC, **parameters)
        wait_until(lambda: self._asks(run), f"{run} asks for approval")
        self.alice.send_automation_signal(AutomationExecutionId=run, SignalType=signal)
        return self.end(run)

    def launch(self, image: str = "", **facts: Any) -> str:
        """A new instance that runs, of Amazon Linux if of nothing else."""
        ec2 = self.aws("ec2")
        image = image or self.linux()
        answer = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, **facts)
        instance = str(answer["Instances"][0]["InstanceId"])
        wait_until(lambda: self.state(instance) == "running", f"{instance} runs")
        return instance

    def linux(self) -> str:
        """An AMI of Amazon Linux."""
        found = self.aws("ssm").get_parameter(Name=LINUX)
        return str(found["Parameter"]["Value"])

    def windows(self) -> str:
        """An AMI of Windows."""
        filters = [{"Name": "name", "Values": [WINDOWS]}]
        found = self.aws("ec2").describe_images(Owners=["amazon"], Filters=filters)["Images"]
        return str(found[0]["ImageId"])

    def image(self, image: str) -> dict[str, Any]:
        """As EC2 describes it."""
        found: dict[str, Any] = self.aws("ec2").describe_images(ImageIds=[image])["Images"][0]
        return found

    def instance(self, instance: str) -> dict[str, Any]:
        """As EC2 describes it."""
        return describe(self.aws("ec2"), instance)

    def state(self, instance: str) -> str:
        """Of an instance."""
        return str(self.instance(instance)["State"]["Name"])

    def shell(self, instance: str, script: str) -> str:
        """Run a script on an instance, which is online at some time; what it says."""
        ssm = self.aws("ssm")
        filters = [{"Key": "InstanceIds", "Values": [instance]}]

        def is_online() -> bool:
            found = ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
            return [one["PingStatus"] for one in found] == ["Online"]

        wait_until(is_online, f"{instance} is online")
        sent = ssm.send_command(
            InstanceIds=[instance],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": [script]},
        )
        command = sent["Command"]["CommandId"]

        def result() -> dict[str, Any] | None:
            found = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
            return None if found["Status"] in UNDER_WAY else found

        ended = wait_until(result, f"{command} ends")
        assert ended["Status"] == "Success", ended
        return str(ended["StandardOutputContent"])

    def root_volume(self, instance: str) -> str:
        """Its id."""
        found = self.instance(instance)
        root = found["RootDeviceName"]
        devices = found["BlockDeviceMappings"]
        return str(next(one["Ebs"]["VolumeId"] for one in devices if one["DeviceName"] == root))

    def make_role(self, service: str) -> str:
        """The name of a new role that a service may act as."""
        return self.make_role_arn(service).rpartition("/")[2]

    def make_role_arn(self, service: str) -> str:
        """The ARN of one."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        role = self.aws("iam").create_role(
            RoleName=f"{service}-{uuid.uuid4().hex[:8]}", AssumeRolePolicyDocument=trust
        )
        return str(role["Role"]["Arn"])

    def refuse(
        self, service: str, operation: str, code: str, *, times: int = 1, **match: Any
    ) -> None:
        """Let AWS refuse the next calls of this operation that have such parameters."""
        what = {"service": service, "operation": operation, "match": match, "times": times}
        client.faults(self.aws_endpoint, {**what, "kind": "error", "code": code, "status": 400})

    def forget_refusals(self) -> None:
        """AWS is itself again."""
        client.clear_faults(self.aws_endpoint)

    def messages(self) -> list[str]:
        """What was published to topics."""
        return [str(one["message"]) for one in client.messages(self.aws_endpoint)]

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Ask until it is so."""
        wait_until(condition, what)

    def _read(self, run: str) -> dict[str, Any]:
        answer = self.olivia.get_automation_execution(AutomationExecutionId=run)
        execution: dict[str, Any] = answer["AutomationExecution"]
        return execution

    def _ended(self, run: str) -> dict[str, Any] | None:
        execution = self._read(run)
        return execution if execution["AutomationExecutionStatus"] in FINAL else None

    def _asks(self, run: str) -> bool:
        return any(step["StepStatus"] == "Waiting" for step in self._read(run)["StepExecutions"])

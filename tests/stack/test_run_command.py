"""aws:runCommand by real workers on instances that really run the commands."""

from __future__ import annotations

from typing import Any

import pytest

from console.simulator import client
from tests.simulator.aws import PRODUCTION, assume, make_client
from tests.simulator.shells import Shells
from tests.stack.account import Instances
from tests.stack.running import Stack, wait_until
from tests.stack.test_cli import Cli

pytestmark = pytest.mark.stack

RUN = """
schemaVersion: "0.3"
parameters:
  InstanceId: {{type: "List<AWS::EC2::Instance::Id>"}}
  Commands: {{type: StringList}}
outputs: [{outputs}]
mainSteps:
{before}
  - name: run
    action: aws:runCommand
    timeoutSeconds: {seconds}
    inputs:
      DocumentName: AWS-RunShellScript
      InstanceIds: "{{{{ InstanceId }}}}"
      Parameters: {{commands: "{{{{ Commands }}}}"}}
"""
RESTART = """
  - {name: stop, action: "aws:changeInstanceState",
     inputs: {InstanceIds: "{{ InstanceId }}", DesiredState: stopped}}
  - {name: start, action: "aws:changeInstanceState",
     inputs: {InstanceIds: "{{ InstanceId }}", DesiredState: running}}
"""
UNDER_WAY = ("Pending", "InProgress", "Waiting", "Cancelling")
DOCUMENTS = {
    "Run": RUN.format(outputs="run.Output, run.ResponseCode", before="", seconds=120),
    "Run-Briefly": RUN.format(outputs="", before="", seconds=3),
    "Run-After-Restart": RUN.format(outputs="run.Output", before=RESTART, seconds=120),
}


@pytest.fixture(scope="module")
def olivia_ssm(stack: Stack) -> Any:
    """The operator's client, once there are documents to run."""
    ada = Cli(stack, "ada").client()
    for name, content in DOCUMENTS.items():
        ada.create_document(
            Name=name, Content=content, DocumentType="Automation", DocumentFormat="YAML"
        )
    return Cli(stack, "olivia").client()


@pytest.fixture(scope="module")
def shells(stack: Stack) -> Shells:
    """Run Command of the account behind the stack."""
    return Shells(make_client(stack.aws, "ssm", assume(stack.aws, PRODUCTION)))


def start(ssm: Any, document: str, instances: list[str], *commands: str) -> str:
    parameters = {"InstanceId": instances, "Commands": list(commands)}
    answer = ssm.start_automation_execution(DocumentName=document, Parameters=parameters)
    return str(answer["AutomationExecutionId"])


def find(ssm: Any, run: str) -> dict[str, Any]:
    answer = ssm.get_automation_execution(AutomationExecutionId=run)
    found: dict[str, Any] = answer["AutomationExecution"]
    return found


def wait_for(ssm: Any, run: str, status: str) -> dict[str, Any]:
    """The execution, once it has ended, and in this status."""

    def has_ended() -> bool:
        return find(ssm, run)["AutomationExecutionStatus"] not in UNDER_WAY

    wait_until(has_ended, f"{run} ends")
    execution = find(ssm, run)
    assert execution["AutomationExecutionStatus"] == status, last_step(execution)
    return execution


def last_step(execution: dict[str, Any]) -> dict[str, Any]:
    step: dict[str, Any] = execution["StepExecutions"][-1]
    return step


def test_output_and_exit_code(olivia_ssm: Any, shells: Shells, instance: str) -> None:
    run = start(olivia_ssm, "Run", [instance], "yum -y install jq", "echo '{{done}}' > /made")
    execution = wait_for(olivia_ssm, run, "Success")
    assert execution["Outputs"]["run.ResponseCode"] == ["0"]
    assert "jq  1.1\nComplete!" in execution["Outputs"]["run.Output"][0]
    outputs = last_step(execution)["Outputs"]
    assert outputs["Status"] == ["Success"]
    assert shells.command(outputs["CommandId"][0])["Status"] == "Success"
    assert shells.run(instance, "cat /made")["StandardOutputContent"] == "{{done}}\n"


def test_a_failing_command_fails_the_step(olivia_ssm: Any, instance: str, stack: Stack) -> None:
    run = start(olivia_ssm, "Run", [instance], "echo bad disk >&2", "exit 3")
    step = last_step(wait_for(olivia_ssm, run, "Failed"))
    assert step["Outputs"]["ResponseCode"] == ["3"]
    assert "Status=[Failed], ResponseCode=[3], Output=[" in step["FailureMessage"]
    assert "bad disk\nfailed to run commands: exit status 3" in step["FailureMessage"]
    assert len(client.calls(stack.aws, operation="SendCommand")) == 1


def test_a_timeout_cancels_the_command(olivia_ssm: Any, shells: Shells, instance: str) -> None:
    run = start(olivia_ssm, "Run-Briefly", [instance], "sleep 600")
    step = last_step(wait_for(olivia_ssm, run, "TimedOut"))
    assert step["StepStatus"] == "TimedOut"
    command = step["Outputs"]["CommandId"][0]
    assert shells.wait(command, instance)["Status"] == "Cancelled"


def test_cancelling_the_run_cancels_the_command(
    olivia_ssm: Any, shells: Shells, instance: str
) -> None:
    run = start(olivia_ssm, "Run", [instance], "sleep 600")

    def find_command() -> str:
        return str(last_step(find(olivia_ssm, run)).get("Outputs", {}).get("CommandId", [""])[0])

    command = wait_until(find_command, "the command is sent")
    olivia_ssm.stop_automation_execution(AutomationExecutionId=run, Type="Cancel")
    assert last_step(wait_for(olivia_ssm, run, "Cancelled"))["StepStatus"] == "Cancelled"
    assert shells.wait(command, instance)["Status"] == "Cancelled"


def test_several_instances_have_no_output(
    olivia_ssm: Any, shells: Shells, instance: str, instances: Instances
) -> None:
    both = [instance, instances.take()]
    execution = wait_for(olivia_ssm, start(olivia_ssm, "Run", both, "touch /both"), "Success")
    assert last_step(execution)["Outputs"].keys().isdisjoint({"Output", "ResponseCode"})
    for each in both:
        assert shells.run(each, "ls /both")["Status"] == "Success"


def test_one_failure_of_several_fails_the_step(
    olivia_ssm: Any, shells: Shells, instance: str, instances: Instances
) -> None:
    other = instances.take()
    shells.run(other, "touch /broken")
    run = start(olivia_ssm, "Run", [instance, other], "[ ! -e /broken ]")
    step = last_step(wait_for(olivia_ssm, run, "Failed"))
    assert "unexpected invocation result" in step["FailureMessage"]
    shells.run(other, "rm /broken")


def test_it_waits_for_an_instance_that_comes_up(
    olivia_ssm: Any, shells: Shells, instance: str
) -> None:
    shells.run(instance, "echo kept > /kept")
    run = start(olivia_ssm, "Run-After-Restart", [instance], "cat /kept")
    execution = wait_for(olivia_ssm, run, "Success")
    assert execution["Outputs"]["run.Output"] == ["kept\n"]


def test_a_lost_answer_leads_to_no_second_command(
    olivia_ssm: Any, shells: Shells, instance: str, stack: Stack
) -> None:
    client.faults(stack.aws, {"kind": "reset_after", "operation": "SendCommand"})
    run = start(olivia_ssm, "Run", [instance], "echo once >> /once")
    step = last_step(wait_for(olivia_ssm, run, "Success"))
    assert step["Outputs"]["Output"] == [""]
    assert shells.run(instance, "cat /once")["StandardOutputContent"] == "once\n"

"""Shapes that published runbooks have, in documents of our own, against the real actions."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from executions.actions import registry
from executions.runbook.parse import dump, parse
from executions.runbook.types import Problem
from executions.runbook.validate import check

from .builders import api, branch, choice, document, step

P = {"P": {"type": "String", "default": ""}}


def problems_of(data: dict[str, Any]) -> list[Problem]:
    """What CreateDocument says, of both formats, which say the same."""
    in_yaml = check(dump(data, "YAML"), registry.specs(), "YAML")[1]
    in_json = check(dump(data, "JSON"), registry.specs(), "JSON")[1]
    assert {problem.message for problem in in_yaml} == {problem.message for problem in in_json}
    return in_yaml


def refusals(*steps: dict[str, Any], **top: Any) -> list[str]:
    """Why a document is not saved."""
    found = problems_of(document(*steps, **top))
    return [problem.message for problem in found if problem.severity == "error"]


def warnings(*steps: dict[str, Any], **top: Any) -> list[str]:
    """What a reviewer of a document is told."""
    found = problems_of(document(*steps, **top))
    return [problem.message for problem in found if problem.severity == "warning"]


@pytest.mark.parametrize(
    ("action", "inputs"),
    [
        ("pause", {}),
        ("pause", {"Message": "Go on once the traffic is elsewhere"}),
        ("sleep", {"Duration": "PT1.5S"}),
        ("sleep", {"Duration": "PT{{ P }}M"}),
        ("sleep", {"Duration": "{{ P }}"}),
        ("approve", {"Approvers": "{{ L }}", "MinRequiredApprovals": "{{ P }}"}),
        ("approve", {"Approvers": ["{{ L }}", "bob"], "Message": "{{ P }}", "NotificationArn": ""}),
        ("approve", {"EnhancedApprovals": {"Approvers": [{"approver": "a", "type": "IamUser"}]}}),
        ("runCommand", {"DocumentName": "{{ P }}", "InstanceIds": "{{ L }}", "Parameters": {}}),
        ("runCommand", {"DocumentName": "D", "InstanceIds": ["{{ L }}"], "Parameters": "{{ M }}"}),
        ("runCommand", {"DocumentName": "D", "Targets": "{{ ML }}", "TimeoutSeconds": "600"}),
        (
            "runCommand",
            {"DocumentName": "D", "InstanceIds": "i-1", "Parameters": {"commands": "ls"}},
        ),
        ("runInstances", {"ImageId": "{{ P }}", "SecurityGroupIds": "sg-1", "UserData": "{{ P }}"}),
        ("runInstances", {"ImageId": "a", "LaunchTemplate": {"LaunchTemplateName": "t"}}),
        (
            "runInstances",
            {"ImageId": "a", "MinInstanceCount": "1", "TagSpecifications": "{{ ML }}"},
        ),
        ("createImage", {"InstanceId": "{{ P }}", "ImageName": "a", "NoReboot": "true"}),
        ("createImage", {"InstanceId": "i", "ImageName": "a", "TagSpecifications": []}),
        (
            "copyImage",
            {"SourceImageId": "a", "SourceRegion": "{{ global:REGION }}", "ImageName": "b"},
        ),
        ("createTags", {"ResourceIds": "{{ L }}", "Tags": "{{ ML }}"}),
        ("createStack", {"StackName": "s", "TemplateBody": "{}", "Capabilities": "CAPABILITY_IAM"}),
        ("createStack", {"StackName": "s", "TemplateURL": "{{ P }}", "TimeoutInMinutes": "5"}),
        ("deleteStack", {"StackName": "s", "RetainResources.member.1": ["a"]}),
        ("invokeLambdaFunction", {"FunctionName": "f", "Payload": '{"a": "{{ P }}"}'}),
        ("invokeLambdaFunction", {"FunctionName": "f", "Payload": "{{ M }}"}),
        ("executeStateMachine", {"stateMachineArn": "{{ P }}", "input": '{"a": "{{ P }}"}'}),
        ("changeInstanceState", {"InstanceIds": "{{ P }}", "DesiredState": "{{ P }}"}),
        ("changeInstanceState", {"InstanceIds": ["i"], "DesiredState": "stopped", "Force": "true"}),
        ("executeScript", {"Runtime": "python3.6", "Handler": "m.f", "Attachment": "a.zip"}),
        ("executeScript", {"Runtime": "python3.11", "Script": "x", "InputPayload": "{{ M }}"}),
        ("executeScript", {"Runtime": "PowerShell 7.4", "Script": "ls | {{ $_.Name }}"}),
        ("executeAwsApi", {"Service": "EC2", "Api": "describe-instances", "Filters": None}),
        ("executeAwsApi", {"Service": "ec2", "Api": "DescribeInstances", "nextStep": "nowhere"}),
        ("putServerUpgradeMetrics", {"Anything": ["{{ P }}"]}),
    ],
)
def test_inputs_are_written_like_this(action: str, inputs: dict[str, Any]) -> None:
    types = {"L": "StringList", "M": "StringMap", "ML": "MapList"}
    declared = {name: {"type": kind, "default": ""} for name, kind in types.items()}
    made = step("a", f"aws:{action}", inputs=inputs)
    assert refusals(made, parameters={**P, **declared}) == []


@pytest.mark.parametrize(
    "keys",
    [
        {"isEnd": "true"},
        {"isCritical": "false", "onFailure": "Continue"},
        {"timeoutSeconds": "600"},
        {"timeoutSeconds": 604800, "maxAttempts": 120},
        {"timeoutSeconds": "{{ P }}"},
        {"description": None, "nextStep": None},
        {"onFailure": "step:01_CLEAN", "onCancel": "step:01_CLEAN"},
    ],
)
def test_step_keys_are_written_like_this(keys: dict[str, Any]) -> None:
    assert refusals(api("a", **keys), api("01_CLEAN"), parameters=P) == []


@pytest.mark.parametrize(
    "declared",
    [
        {"type": "String", "default": "", "allowedPattern": "[a-z]+"},
        {"type": "String", "default": "c", "allowedValues": ["a", "b"]},
        {"type": "String", "default": "ami-{{ global:DATE_TIME }}-{{automation:EXECUTION_ID}}"},
        {"type": "String", "default": "{{ssm:/a/b}}"},
        {"type": "String", "default": "{{ NOBODY }}"},
        {"type": "StringList", "default": ""},
        {"type": "StringList", "allowedValues": [1, "a"], "default": []},
        {"type": "StringMap", "default": '{"a": ["b"]}'},
        {"type": "StringMap", "default": {"a": ["b"], "c": 1}, "maxChars": 100},
        {"type": "MapList", "default": [], "allowedPattern": ".*", "maxItems": 3},
        {"type": "Boolean", "allowedValues": ["true", False], "allowedPattern": "true|false"},
        {"type": "Integer", "default": 3, "allowedPattern": "[0-9]", "minValue": 1},
        {"type": "AWS::IAM::Role::Arn", "default": None},
        {"type": "AWS::EC2::Instance::Id", "displayType": "textfield"},
    ],
)
def test_parameters_are_declared_like_this(declared: dict[str, Any]) -> None:
    assert refusals(api("a"), parameters={"Q": declared}) == []


@pytest.mark.parametrize(
    "made",
    [
        {"And": [choice("b"), {"Not": choice("b")}, {"Or": [choice("b"), choice("b")]}]},
        {"Or": [choice("b", EqualsIgnoreCase="{{ P }}"), choice("b", StringEquals="")]},
        {"Not": {"And": [choice("b"), choice("b", "{{ global:REGION }}", StartsWith="eu-")]}},
        choice("b", "{{automation:EXECUTION_ID}}", Contains="{{ P  }}"),
        choice("b", BooleanEquals="true"),
    ],
)
@pytest.mark.parametrize("keys", [{}, {"isEnd": True}, {"default": "b"}])
def test_conditions_nest_and_need_no_default(made: dict[str, Any], keys: dict[str, Any]) -> None:
    first = branch("a", {**made, "NextStep": "b"}, **keys)
    assert refusals(first, api("b"), parameters=P) == []


@pytest.mark.parametrize(
    "selector",
    [
        "$.Reservations..Instances..InstanceId",
        "$..InstanceId",
        "$.Outputs.'copy.ImageId'[0]",
        "$.NatGateways[0]['VpcId']",
        "$.Stacks[0].Outputs[?(@.OutputKey == 'Name')].OutputValue",
        "$.Tags[?(@.Key=='Name')].Value",
        "$.Reservations..Instances.length",
        "$.InstanceStatuses.[0].InstanceStatus.Status",
        "Addresses[0].AllocationId",
        "SnapshotId",
        "$",
    ],
)
def test_selectors_are_written_like_this(selector: str) -> None:
    outputs = [{"Name": "O", "Selector": selector}]
    call = {"Service": "ec2", "Api": "DescribeInstances"}
    waits = {**call, "PropertySelector": selector, "DesiredValues": ["x", "{{ a.O }}"]}
    steps = (
        step("a", "aws:executeAwsApi", inputs=call, outputs=outputs),
        step("b", "aws:waitForAwsResourceProperty", inputs=waits),
    )
    assert refusals(*steps, outputs=["a.O"]) == []


def test_scripts_may_name_an_output_payload() -> None:
    inputs = {"Runtime": "python3.11", "Handler": "f", "Script": "def f(e, c):\n  return {}\n"}
    outputs = [{"Name": "Payload", "Selector": "$.Payload", "Type": "StringMap"}]
    made = step("a", "aws:executeScript", inputs=inputs, outputs=outputs)
    assert refusals(made, outputs=["a.Payload"]) == []


def test_helpers_stand_at_the_end_and_jump_back() -> None:
    """The way of a failure ends at a step that stands before it, and that ends the run."""
    steps = (
        api("copy", onFailure="step:forget"),
        api("swap", onFailure="step:undo", nextStep="forget"),
        api("restore", isEnd=True),
        api("undo"),
        api("forget", nextStep="restore"),
    )
    assert problems_of(document(*steps)) == []


def test_a_jump_leaves_a_loop_and_the_counter_is_known() -> None:
    body = (
        api("poll", "Y", inputs={"N": "{{ until.CurrentIteration }}"}),
        branch("leave", choice("after", "{{ poll.Y }}"), isEnd=True),
    )
    inputs = {
        "LoopCondition": {"Variable": "{{ poll.Y }}", "StringEquals": "PENDING"},
        "MaxIterations": "{{ Most }}",
        "Steps": list(body),
    }
    made = step("until", "aws:loop", inputs=inputs, onFailure="Continue")
    declared = {"Most": {"type": "Integer", "default": 5}}
    assert refusals(made, api("after"), parameters=declared) == []


def test_change_templates_are_documents_too() -> None:
    lines = [{"approver": "Admin", "type": "IamRole", "minRequiredApprovals": 3}]
    enhanced = {"NotificationArn": "{{ P }}", "Approvers": lines}
    top = {
        "templateInformation": "## Why\n",
        "executableRunBooks": [{"name": "AWS-HelloWorld", "version": "1"}],
        "emergencyChange": False,
        "autoApprovable": True,
        "parameters": {"P": {"type": "String"}},
    }
    made = step("a", "aws:approve", inputs={"Message": "m", "EnhancedApprovals": enhanced})
    assert refusals(made, **top) == []


def test_a_branch_may_compare_what_nobody_declared() -> None:
    found = problems_of(document(branch("a", choice("b", "{{ Q }}")), api("b")))
    assert [(problem.severity, problem.message) for problem in found] == [
        ("warning", "Parameter Q is not declared; comparisons with it are false.")
    ]


def test_a_shell_line_gets_advice_that_fits() -> None:
    inputs = {
        "DocumentName": "D",
        "InstanceIds": ["i"],
        "Parameters": {"commands": ["x {{ a.O }}"]},
    }
    found = warnings(api("a", "O"), step("b", "aws:runCommand", inputs=inputs))
    assert len(found) == 1
    assert found[0].endswith("check it in a step before.")


def test_many_warnings_do_not_hide_an_error() -> None:
    unused = {f"P{number}": {"type": "String"} for number in range(150)}
    assert refusals(api("a", nextStep="z"), parameters=unused) == [
        "There is no step 'z' to go to; name one of the steps."
    ]


def test_comments_and_yaml_of_people() -> None:
    """Comments before `---`, spaces before colons, folded defaults, `True`, a step on its dash."""
    text = textwrap.dedent("""\
        # Who may use this
        ---
        schemaVersion: "0.3"
        assumeRole: "{{ Role }}"
        parameters:
          Role :
            type: String
            default: >-
              {{ssm:/roles/automation}}
        mainSteps:
          # 1. first
          -
            name: first
            action: 'aws:executeAwsApi'
            inputs :
              Service: rds
              Api: ModifyDBInstance
              ApplyImmediately: True
              Expression: '{{NOT-ONE {}}'

            isEnd: false
          - name: 02_second
            action: aws:sleep
            inputs: {Duration:
              PT1S}
        outputs: [first.OutputPayload, "02_second.OutputPayload"]
        """)
    runbook, found = check(text, registry.specs())
    assert runbook is not None
    assert found == []
    assert runbook.parameters["Role"].default == "{{ssm:/roles/automation}}"
    assert runbook.steps[0].inputs["ApplyImmediately"] is True
    assert parse(dump(runbook.data, "JSON"), "JSON").data == runbook.data

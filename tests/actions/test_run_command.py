"""aws:runCommand: sent once, followed by its id, found by its comment, ended with the step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from executions.actions.base import (
    BadInput,
    Call,
    CallFailed,
    Done,
    Sent,
    StepContext,
    StepFailed,
    StepTimedOut,
    Unknown,
    Wait,
)
from executions.actions.run_command import RunCommand
from tests.actions.answers import DENIED, Answers, MakeContext

NAME = "aws:runCommand"
INPUTS = {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-1"]}
ID = "0831e1a8-a1ac-4257-a1fd-c831b48c4107"
TAG = "[00000000-0000-0000-0000-000000000003]"
ONLINE = {"InstanceInformationList": [{"InstanceId": "i-1", "PingStatus": "Online"}]}
STATE = {"CommandId": ID}


def commands(status: str, **more: Any) -> dict[str, Any]:
    return {"Commands": [{"CommandId": ID, "Status": status, "Comment": TAG, **more}]}


def invocations(*plugins: dict[str, Any], instances: int = 1) -> dict[str, Any]:
    return {"CommandInvocations": [{"CommandPlugins": list(plugins)}] * instances}


PLUGIN = {"Name": "aws:runShellScript", "ResponseCode": 0, "Output": "hello\n"}


@pytest.fixture
def sent(make_context: MakeContext, now: datetime) -> MakeContext:
    """The context once the command was sent: `sent(aws, state)`."""

    def make(aws: Answers, state: dict[str, Any] = STATE, **more: Any) -> StepContext:
        call = Sent("ssm", "SendCommand", INPUTS, now)
        return make_context(NAME, INPUTS, state=state, sent=call, read=aws.read, **more)

    return make


def build(make_context: MakeContext, **inputs: Any) -> dict[str, Any]:
    aws = Answers(DescribeInstanceInformation=ONLINE)
    outcome = RunCommand().begin(make_context(NAME, {**INPUTS, **inputs}, read=aws.read))
    assert isinstance(outcome, Call)
    assert (outcome.service, outcome.operation) == ("ssm", "SendCommand")
    return dict(outcome.request)


def test_our_token_stands_in_the_comment(make_context: MakeContext) -> None:
    assert build(make_context) == {**INPUTS, "Comment": TAG}
    assert build(make_context, Comment="Patch")["Comment"] == f"Patch {TAG}"
    long = build(make_context, Comment="x" * 100)["Comment"]
    assert (len(long), long[-len(TAG) :]) == (100, TAG)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"commands": ["a", "b"]}, {"commands": ["a", "b"]}),
        ({"commands": "a"}, {"commands": ["a"]}),
        ({"count": 3, "force": True}, {"count": ["3"], "force": ["true"]}),
        ({"settings": {"a": 1}}, {"settings": ['{"a": 1}']}),
    ],
)
def test_parameters_become_lists_of_texts(
    make_context: MakeContext, given: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert build(make_context, Parameters=given)["Parameters"] == wanted


def test_the_other_inputs_are_members_of_the_request(make_context: MakeContext) -> None:
    more = {
        "DocumentVersion": "3",
        "DocumentHash": "ab",
        "DocumentHashType": "Sha256",
        "TimeoutSeconds": 60,
        "OutputS3BucketName": "bucket",
        "OutputS3KeyPrefix": "logs",
        "ServiceRoleArn": "arn:x",
        "NotificationConfig": {"NotificationArn": "arn:y"},
        "CloudWatchOutputConfig": {"CloudWatchOutputEnabled": "true"},
        "MaxConcurrency": "10%",
        "MaxErrors": "1",
    }
    assert build(make_context, **more) == {**INPUTS, **more, "Comment": TAG}


def test_targets_are_not_looked_at_beforehand(make_context: MakeContext) -> None:
    targets = [{"Key": "tag:role", "Values": ["web"]}]
    inputs = {"DocumentName": "Doc", "Targets": targets}
    outcome = RunCommand().begin(make_context(NAME, inputs))
    request = {"DocumentName": "Doc", "Targets": targets, "Comment": TAG}
    assert outcome == Call("ssm", "SendCommand", request)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"DocumentName": "", "InstanceIds": ["i-1"]}, "DocumentName is empty"),
        ({"DocumentName": "Doc"}, "either InstanceIds or Targets"),
        ({"DocumentName": "Doc", "InstanceIds": []}, "either InstanceIds or Targets"),
        ({**INPUTS, "Targets": [{"Key": "k"}]}, "either InstanceIds or Targets"),
        ({"DocumentName": "Doc", "InstanceIds": ["i-1", ""]}, "none of them empty"),
        ({"DocumentName": "Doc", "InstanceIds": [f"i-{n}" for n in range(51)]}, "up to 50"),
        ({**INPUTS, "Parameters": "commands"}, "Parameters must be a map"),
    ],
)
def test_it_refuses_inputs_that_cannot_be_right(
    make_context: MakeContext, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        RunCommand().begin(make_context(NAME, inputs))


def test_it_waits_until_the_instances_are_online(make_context: MakeContext, poll: datetime) -> None:
    lost = {"InstanceInformationList": [{"InstanceId": "i-1", "PingStatus": "ConnectionLost"}]}
    aws = Answers(DescribeInstanceInformation=[lost, {"NextToken": "2"}, ONLINE])
    context = make_context(NAME, INPUTS, read=aws.read)
    waiting = RunCommand().begin(context)
    assert waiting == Wait(poll, {"Absent": ["i-1"]})
    again = make_context(NAME, INPUTS, read=aws.read, state={"Absent": ["i-1"]})
    assert isinstance(RunCommand().resume(again), Call)
    assert aws.asked[-1][1]["NextToken"] == "2"
    with pytest.raises(StepTimedOut, match="i-1: not registered"):
        RunCommand().stopped(again, "timeout")


def test_who_may_not_look_lets_ssm_judge(make_context: MakeContext) -> None:
    aws = Answers(DescribeInstanceInformation=DENIED)
    assert isinstance(RunCommand().begin(make_context(NAME, INPUTS, read=aws.read)), Call)


def test_it_follows_the_command(sent: MakeContext, poll: datetime) -> None:
    taken = RunCommand().called(sent(Answers()), {"Command": {"CommandId": ID}})
    assert taken == Wait(poll, STATE, outputs={"CommandId": ID, "Status": "Pending"})
    aws = Answers(ListCommands=[{"Commands": []}, commands("InProgress")])
    assert RunCommand().resume(sent(aws)) == Wait(poll, STATE)
    waiting = RunCommand().resume(sent(aws))
    assert waiting == Wait(poll, STATE, outputs={"CommandId": ID, "Status": "InProgress"})


def test_one_plugin_on_one_instance_has_an_output(sent: MakeContext) -> None:
    aws = Answers(ListCommands=commands("Success"), ListCommandInvocations=invocations(PLUGIN))
    outputs = {"CommandId": ID, "Status": "Success", "ResponseCode": 0, "Output": "hello\n"}
    assert RunCommand().resume(sent(aws)) == Done(outputs, response=outputs)


@pytest.mark.parametrize(
    "found", [invocations(PLUGIN, PLUGIN), invocations(PLUGIN, instances=2), invocations()]
)
def test_several_plugins_or_instances_have_none(sent: MakeContext, found: dict[str, Any]) -> None:
    aws = Answers(ListCommands=commands("Success"), ListCommandInvocations=found)
    outputs = {"CommandId": ID, "Status": "Success"}
    assert RunCommand().resume(sent(aws)) == Done(outputs, response=outputs)


@pytest.mark.parametrize(
    ("key", "shown"), [("tag:role", False), ("tag-key", False), ("InstanceIds", True)]
)
def test_an_instance_found_by_a_tag_has_no_output(
    make_context: MakeContext, now: datetime, key: str, shown: bool
) -> None:
    inputs = {"DocumentName": "Doc", "Targets": [{"Key": key, "Values": ["web"]}]}
    aws = Answers(ListCommands=commands("Success"), ListCommandInvocations=invocations(PLUGIN))
    call = Sent("ssm", "SendCommand", inputs, now)
    context = make_context(NAME, inputs, state=STATE, sent=call, read=aws.read)
    outcome = RunCommand().resume(context)
    assert isinstance(outcome, Done)
    assert outcome.outputs["ResponseCode"] == 0
    assert ("Output" in outcome.outputs) is shown


@pytest.mark.parametrize("status", ["Failed", "TimedOut", "Cancelled"])
def test_any_other_end_fails_with_what_is_known(sent: MakeContext, status: str) -> None:
    plugin = {"ResponseCode": 2, "Output": "no such file"}
    aws = Answers(
        ListCommands=commands(status, StatusDetails="DeliveryTimedOut"),
        ListCommandInvocations=invocations(plugin),
    )
    with pytest.raises(StepFailed) as failure:
        RunCommand().resume(sent(aws))
    assert (
        f"{{CommandId=[{ID}], Status=[DeliveryTimedOut], ResponseCode=[2], Output=[no such file]}}"
        in failure.value.message
    )
    assert failure.value.outputs == {"CommandId": ID, "Status": status, **plugin}


def test_a_command_that_is_gone_fails_the_step(sent: MakeContext, now: datetime) -> None:
    context = sent(Answers(ListCommands={"Commands": []}), now=now + timedelta(minutes=3))
    with pytest.raises(StepFailed, match="no command"):
        RunCommand().resume(context)


def test_after_a_lost_answer_it_is_found_by_its_comment(sent: MakeContext, poll: datetime) -> None:
    other = {"Commands": [{"CommandId": "x", "Comment": "other"}, {"CommandId": "y"}]}
    aws = Answers(ListCommands=[{**other, "NextToken": "2"}, commands("InProgress")])
    outcome = RunCommand().recover(sent(aws, {}))
    assert outcome == Wait(poll, STATE, outputs={"CommandId": ID, "Status": "InProgress"})
    filters = [{"key": "InvokedAfter", "value": "2030-01-01T11:59:00Z"}]
    assert aws.asked[0] == ("ssm:ListCommands", {"Filters": filters})


def test_it_looks_twice_and_never_sends_again(sent: MakeContext, now: datetime) -> None:
    aws = Answers(ListCommands={"Commands": []})
    first = RunCommand().recover(sent(aws, {}))
    assert first == Wait(now + timedelta(minutes=1), {"Looked": True})
    second = RunCommand().resume(sent(aws, {"Looked": True}))
    assert isinstance(second, Unknown)
    assert TAG in second.reason


def test_a_person_is_asked_if_nobody_may_look(sent: MakeContext) -> None:
    assert isinstance(RunCommand().recover(sent(Answers(ListCommands=DENIED), {})), Unknown)


def test_what_a_person_adopts_has_to_be_there(sent: MakeContext, now: datetime) -> None:
    aws = Answers(ListCommands={"Commands": []})
    assert RunCommand().adopted(sent(aws, {})) == Wait(now, {"Adopted": True})
    with pytest.raises(StepFailed, match="No command of this step") as failure:
        RunCommand().resume(sent(aws, {"Adopted": True}))
    assert not failure.value.retryable


@pytest.mark.parametrize("why", ["cancel", "timeout"])
def test_the_command_ends_with_the_step(sent: MakeContext, why: str) -> None:
    outcome = RunCommand().stopped(sent(Answers()), why)
    assert outcome == Call("ssm", "CancelCommand", {"CommandId": ID})
    assert RunCommand().stopped(sent(Answers(), {}), why) is None


def test_a_time_out_between_the_looks_leads_to_no_second_command(sent: MakeContext) -> None:
    context = sent(Answers(), {"Looked": True})
    assert RunCommand().stopped(context, "cancel") is None
    with pytest.raises(StepTimedOut, match="may have taken effect") as timeout:
        RunCommand().stopped(context, "timeout")
    assert not timeout.value.retryable


def test_a_refused_read_that_may_pass_is_not_hidden(make_context: MakeContext) -> None:
    aws = Answers(DescribeInstanceInformation=CallFailed("InternalServerError", "oops"))
    with pytest.raises(CallFailed, match="oops"):
        RunCommand().begin(make_context(NAME, INPUTS, read=aws.read))

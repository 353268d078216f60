"""aws:runInstances: the launch, the wait for running and fit, and a lost answer."""

from __future__ import annotations

import base64
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
    Unknown,
    Wait,
)
from executions.actions.run_instances import RunInstances
from tests.actions.answers import DENIED, Answers, MakeContext

NAME = "aws:runInstances"
INPUTS = {"ImageId": "ami-1"}
IDS = ["i-1", "i-2"]
UNSEEN = CallFailed("InvalidInstanceID.NotFound", "The instance IDs 'i-1, i-2' do not exist")


def shown(*states: str, **more: Any) -> dict[str, Any]:
    instances = [
        {"InstanceId": name, "State": {"Name": state}, **more}
        for name, state in zip(IDS, states, strict=False)
    ]
    return {"Reservations": [{"Instances": [each]} for each in instances]}


def checks(*words: str) -> dict[str, Any]:
    return {
        "InstanceStatuses": [
            {
                "InstanceId": name,
                "InstanceStatus": {"Status": word},
                "SystemStatus": {"Status": "ok"},
            }
            for name, word in zip(IDS, words, strict=False)
        ]
    }


@pytest.fixture
def launched(make_context: MakeContext, now: datetime) -> MakeContext:
    """The context once the instances have ids: `launched(aws)`."""

    def make(aws: Answers, **more: Any) -> StepContext:
        sent = Sent("ec2", "RunInstances", {**INPUTS, "ClientToken": "token"}, now)
        given = {"state": {"InstanceIds": IDS}, "sent": sent, "read": aws.read, **more}
        return make_context(NAME, INPUTS, **given)

    return make


def build(make_context: MakeContext, **inputs: Any) -> dict[str, Any]:
    outcome = RunInstances().begin(make_context(NAME, {**INPUTS, **inputs}))
    assert isinstance(outcome, Call)
    assert (outcome.service, outcome.operation) == ("ec2", "RunInstances")
    return dict(outcome.request)


def test_one_instance_is_the_default(make_context: MakeContext) -> None:
    assert build(make_context) == {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}


@pytest.mark.parametrize(
    ("inputs", "members"),
    [
        ({"MinInstanceCount": "2", "MaxInstanceCount": 3}, {"MinCount": 2, "MaxCount": 3}),
        ({"MinInstanceCount": 2}, {"MinCount": 2, "MaxCount": 2}),
        ({"IamInstanceProfileName": "web"}, {"IamInstanceProfile": {"Name": "web"}}),
        ({"IamInstanceProfileArn": "arn:x"}, {"IamInstanceProfile": {"Arn": "arn:x"}}),
        ({"Monitoring": True}, {"Monitoring": {"Enabled": True}}),
        ({"Monitoring": "false"}, {"Monitoring": {"Enabled": False}}),
        ({"Monitoring": {"Enabled": True}}, {"Monitoring": {"Enabled": True}}),
        ({"UserData": base64.b64encode(b"#!/bin/sh\n").decode()}, {"UserData": "#!/bin/sh\n"}),
        ({"UserData": "#!/bin/sh"}, {"UserData": "#!/bin/sh"}),
        ({"KeyName": "", "SubnetId": "subnet-1"}, {"SubnetId": "subnet-1"}),
        ({"SecurityGroupIds": ["sg-1"]}, {"SecurityGroupIds": ["sg-1"]}),
    ],
)
def test_inputs_become_members_of_the_request(
    make_context: MakeContext, inputs: dict[str, Any], members: dict[str, Any]
) -> None:
    assert build(make_context, **inputs) == {"MinCount": 1, "MaxCount": 1, **INPUTS, **members}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"ImageId": ""}, "ImageId is empty"),
        ({"MinInstanceCount": 3, "MaxInstanceCount": 2}, "from 1 to MaxInstanceCount"),
        ({"MinInstanceCount": 0}, "from 1 to MaxInstanceCount"),
        ({"MaxInstanceCount": "many"}, "MaxInstanceCount must be an Integer"),
        ({"IamInstanceProfileName": "a", "IamInstanceProfileArn": "b"}, "not both"),
        ({"UserData": base64.b64encode(b"\x1f\x8b\xff").decode()}, "not UTF-8"),
    ],
)
def test_it_refuses_inputs_that_cannot_be_right(
    make_context: MakeContext, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        RunInstances().begin(make_context(NAME, {**INPUTS, **inputs}))


def test_the_instances_are_outputs_at_once(make_context: MakeContext, poll: datetime) -> None:
    instances = [{"InstanceId": "i-1", "State": {"Name": "pending"}}]
    outcome = RunInstances().called(make_context(NAME, INPUTS), {"Instances": instances})
    outputs = {"InstanceIds": ["i-1"], "InstanceStates": ["pending"]}
    assert outcome == Wait(poll, {"InstanceIds": ["i-1"]}, outputs=outputs)


def test_it_ends_when_all_run_and_pass_their_checks(launched: MakeContext) -> None:
    aws = Answers(
        DescribeInstances=shown("running", "running"),
        DescribeInstanceStatus=checks("ok", "ok"),
    )
    outputs = {"InstanceIds": IDS, "InstanceStates": ["running", "running"]}
    assert RunInstances().resume(launched(aws)) == Done(outputs)


@pytest.mark.parametrize(
    ("instances", "statuses"),
    [
        (shown("running", "pending"), checks("ok")),
        (shown("running"), checks("ok")),
        (shown("running", "running"), checks("ok", "initializing")),
        (shown("running", "running"), checks("ok")),
        (UNSEEN, checks()),
    ],
)
def test_it_waits_for_the_last_one(
    launched: MakeContext, instances: Any, statuses: dict[str, Any]
) -> None:
    aws = Answers(DescribeInstances=instances, DescribeInstanceStatus=statuses)
    outcome = RunInstances().resume(launched(aws))
    assert isinstance(outcome, Wait)
    assert outcome.outputs["InstanceIds"] == IDS


@pytest.mark.parametrize("state", ["shutting-down", "terminated", "stopping", "stopped"])
def test_a_state_on_the_way_out_fails_and_keeps_the_instances(
    launched: MakeContext, state: str
) -> None:
    bad = shown("running", state, StateReason={"Message": "Volume limit exceeded"})
    with pytest.raises(StepFailed, match=f"i-2 entered the unexpected state {state}") as failure:
        RunInstances().resume(launched(Answers(DescribeInstances=bad)))
    assert "Volume limit exceeded" in failure.value.message
    assert failure.value.outputs == {"InstanceIds": IDS, "InstanceStates": ["running", state]}


def test_an_impaired_check_fails_and_keeps_the_instances(launched: MakeContext) -> None:
    aws = Answers(
        DescribeInstances=shown("running", "running"),
        DescribeInstanceStatus=checks("ok", "impaired"),
    )
    with pytest.raises(StepFailed, match="i-2 runs, but its status checks") as failure:
        RunInstances().resume(launched(aws))
    assert failure.value.outputs["InstanceIds"] == IDS


def test_instances_that_stay_unseen_fail_the_step(launched: MakeContext, now: datetime) -> None:
    context = launched(Answers(DescribeInstances=UNSEEN), now=now + timedelta(minutes=3))
    with pytest.raises(StepFailed, match="do not exist"):
        RunInstances().resume(context)


def test_after_a_lost_answer_instances_with_the_token_are_adopted(launched: MakeContext) -> None:
    aws = Answers(DescribeInstances=shown("pending", "pending"))
    outcome = RunInstances().recover(launched(aws, state={}))
    assert isinstance(outcome, Wait)
    assert outcome.state == {"InstanceIds": IDS}
    filters = [{"Name": "client-token", "Values": ["token"]}]
    assert aws.asked == [("ec2:DescribeInstances", {"Filters": filters})]


@pytest.mark.parametrize("answer", [shown(), DENIED])
def test_a_person_is_asked_if_nothing_shows(launched: MakeContext, answer: Any) -> None:
    context = launched(Answers(DescribeInstances=answer), state={})
    assert isinstance(RunInstances().recover(context), Unknown)


def test_what_a_person_adopts_is_found_by_its_token(launched: MakeContext, now: datetime) -> None:
    aws = Answers(DescribeInstances=[shown("running"), shown()])
    context = launched(aws, state={})
    assert RunInstances().adopted(context) == Wait(now, {})
    found = RunInstances().resume(context)
    assert isinstance(found, Wait)
    assert found.state == {"InstanceIds": ["i-1"]}
    with pytest.raises(StepFailed, match="No instance of this step"):
        RunInstances().resume(context)

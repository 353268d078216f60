"""A step that is cut short ends what it began elsewhere, and ends whatever comes of that."""

from __future__ import annotations

from typing import Any

import pytest

from executions import aws
from executions.models import Account, Event
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, statuses, step, told
from tests.engine.steps import Step

ID = "0831e1a8-a1ac-4257-a1fd-c831b48c4107"


def command(name: str, **more: Any) -> Step:
    inputs = {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-0123456789abcdef0"]}
    return {"name": name, "action": "aws:runCommand", "inputs": inputs, **more}


@pytest.fixture
def fake(fake: FakeAws) -> FakeAws:
    """A command that never ends by itself."""
    online = {"InstanceId": "i-0123456789abcdef0", "PingStatus": "Online"}
    fake.on("DescribeInstanceInformation", {"InstanceInformationList": [online]})
    fake.on("SendCommand", {"Command": {"CommandId": ID, "Status": "Pending"}})
    fake.on("ListCommands", {"Commands": [{"CommandId": ID, "Status": "InProgress"}]})
    return fake


def test_a_cancel_ends_the_command_too(runs: Runs, fake: FakeAws) -> None:
    run = runs.start(command("a"))
    runs.work()
    runs.stop(run)
    runs.work()
    assert (fresh(run).status, statuses(run)) == ("Cancelled", {"a": "Cancelled"})
    assert [seen.request for seen in fake.made("CancelCommand")] == [{"CommandId": ID}]
    assert told(run).index("step:closing a") < told(run).index("step:cancelled a")


def test_a_timeout_ends_the_command_too_and_keeps_its_id(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(command("a", timeoutSeconds=60))
    assert (run.status, statuses(run)) == ("TimedOut", {"a": "TimedOut"})
    assert len(fake.made("CancelCommand")) == 1
    assert step(run, "a").outputs == {"CommandId": ID, "Status": "InProgress"}


@pytest.mark.parametrize(
    "trouble",
    [
        aws.AwsRefused("no", "AccessDenied"),
        aws.NotSent("no route"),
        aws.OutcomeUnknown("reset"),
        aws.Throttled("slow down"),
    ],
)
def test_the_step_ends_even_if_that_is_refused(
    runs: Runs, fake: FakeAws, trouble: Exception
) -> None:
    fake.on("CancelCommand", trouble)
    run = runs.start(command("a"))
    runs.work()
    runs.stop(run)
    runs.work()
    assert (fresh(run).status, len(fake.made("CancelCommand"))) == ("Cancelled", 1)
    said = Event.objects.get(execution=run, kind="step:closing")
    assert str(trouble) in said.data["message"]


def test_the_step_ends_even_without_an_account(runs: Runs, fake: FakeAws) -> None:
    run = runs.start(command("a"))
    runs.work()
    Account.objects.all().delete()
    runs.stop(run)
    runs.work()
    assert (fresh(run).status, fake.made("CancelCommand")) == ("Cancelled", [])


def test_each_attempt_that_times_out_ends_its_own_command(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(command("a", timeoutSeconds=60, maxAttempts=2))
    sent = fake.made("SendCommand")
    assert (run.status, len(sent), len(fake.made("CancelCommand"))) == ("TimedOut", 2, 2)
    assert len({seen.request["Comment"] for seen in sent}) == 2

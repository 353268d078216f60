"""What counts as the same inputs when a run is run again, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from console.iam.models import User
from executions.aws import AwsRefused
from executions.models import Account
from tests.approvals.people import make_person
from tests.conftest import HandClock
from tests.engine.conftest import MAY
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs, kept, make_version, step
from tests.engine.steps import (
    Step,
    create_stack,
    execute,
    output,
    publish,
    read_topic,
    sleep,
    terminate,
)

READS = read_topic("reads", outputs=[output("Name", "$.Name")])
DATED = {"Stamp": {"type": "String", "default": "made {{ global:DATE_TIME }}"}}


@pytest.fixture
def runs(any_db: None, hand_clock: HandClock, fake: FakeAws) -> Runs:
    """Runs by olivia, in a database that is committed."""
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )
    olivia: User = make_person("olivia", *MAY)
    return Runs(hand_clock, olivia)


def kept_a_day_later(runs: Runs, fake: FakeAws, *steps: Step, **document: Any) -> list[str]:
    """Which of these steps a run keeps of one that failed after them, the day before."""
    fake.on("TerminateInstances", AwsRefused("No.", "ValidationError"), {})
    run = runs.run(*steps, terminate("fails"), **document)
    assert step(run, "fails").status == "Failed"
    runs.hand.move(days=1)
    redone = runs.again(run)
    assert redone.status == "Success"
    return kept(redone)


@pytest.mark.parametrize(
    "message",
    [
        "{{ global:DATE }}",
        "{{ reads.Name }}.{{ global:DATE_TIME }} (of {{ global:DATE }})",
        "{{ Stamp }}",
    ],
)
def test_a_date_is_no_difference(runs: Runs, fake: FakeAws, message: str) -> None:
    """Nor is one in the default of a parameter."""
    fake.on("GetTopicAttributes", {"Name": "one"})
    steps = READS, publish("tells", message)
    assert kept_a_day_later(runs, fake, *steps, parameters=DATED) == ["tells"]


@pytest.mark.parametrize("message", ["{{ reads.Name }} {{ global:DATE }}", "{{ reads.Name }}"])
def test_another_target_is_a_difference_also_beside_a_date(
    runs: Runs, fake: FakeAws, message: str
) -> None:
    fake.on("GetTopicAttributes", {"Name": "one"}, {"Name": "two"})
    assert kept_a_day_later(runs, fake, READS, publish("tells", message)) == []
    assert fake.made("Publish")[-1].request["Message"].startswith("two")


def test_another_parameter_of_a_runbook_that_is_started_is_a_difference(
    runs: Runs, fake: FakeAws
) -> None:
    fake.on("GetTopicAttributes", {"Name": "PT1S"}, {"Name": "PT2S"})
    inner = make_version(
        sleep("rests", "{{ How }}"),
        parameters={"How": {"type": "String"}, "On": {"type": "String"}},
    )
    given = {"How": "{{ reads.Name }}", "On": "{{ global:DATE }}"}
    starts = execute("starts", inner.document.name, inputs={"RuntimeParameters": given})
    assert kept_a_day_later(runs, fake, READS, starts) == []


@pytest.mark.parametrize("message", ["{{ makes.OutputPayload }}", "made {{ makes.All }}"])
def test_the_order_of_keys_is_no_difference(runs: Runs, fake: FakeAws, message: str) -> None:
    """PostgreSQL gives maps back in an order of its own."""
    fake.on("CreateStack", {"Stack": {"Name": "web", "Id": "1"}})
    makes = create_stack(
        "makes", outputs=[output("Which", "$.Stack.Name"), output("All", "$.Stack", "StringMap")]
    )
    assert kept_a_day_later(runs, fake, makes, publish("tells", message)) == ["makes", "tells"]

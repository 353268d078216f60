"""A worker is killed in a call, and AWS does not show those who go on what the call has done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from console.simulator import client
from executions import aws
from executions.actions.base import Outcome, StepContext, Wait
from executions.actions.run_command import RunCommand
from executions.models import Event
from tests.crashes.account import Account, opened
from tests.crashes.scenario import Scenario
from tests.crashes.scenarios import SCENARIOS
from tests.crashes.sweep import Plant, Story, Sweep
from tests.crashes.verdict import problems_of
from tests.engine.runs import ACCOUNT, statuses
from tests.engine.steps import Step

WORKER = f"arn:aws:sts::{ACCOUNT}:assumed-role/CountersignExecution/warm"
LONG = 3600  # seconds: longer than any test, so that the number of reads decides
# Of each scenario: the read that looks for the call, and how many more come before the call.
LOOKS = {
    "stop": ("ec2", "DescribeInstances", 1),
    "image": ("ec2", "DescribeImages", 0),
    "image with a restart": ("ec2", "DescribeImages", 0),
    "command": ("ssm", "ListCommands", 0),
}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """One without the commands of other tests, which would make a look several reads."""
    with opened() as made:
        yield made


def carry_out(
    sweep: Sweep, name: str, lagging: int, at: str = "answered", plant: Plant | None = None
) -> Story:
    """A worker dies at this point of its call; so many reads of those who go on lag."""
    scenario, endpoint = SCENARIOS[name], sweep.account.endpoint

    def prepare(account: Account) -> tuple[Step, ...]:
        steps = scenario.prepare(account)
        if lagging:
            client.faults(endpoint, _lag(name, lagging))
        return steps

    place = (f"{at} {called(scenario).partition(':')[2]}", 0)
    try:
        story = sweep.carry_out(replace(scenario, prepare=prepare), [place], plant)
        assert client.faults(endpoint) == []  # all have lagged
    finally:
        client.clear_faults(endpoint)
    assert story.deaths == [place[0]]
    return story


def _lag(name: str, times: int) -> dict[str, Any]:
    service, read, before = LOOKS[name]
    where = {"service": service, "operation": read, "match": {"principal": WORKER}}
    return {"kind": "lag", "seconds": LONG, "times": times + before, **where}


def called(scenario: Scenario) -> str:
    """The one call that changes something."""
    (call,) = scenario.effects
    return call


@pytest.mark.parametrize("at", ["sent", "answered"])
@pytest.mark.parametrize(
    ("name", "lagging", "sent"),
    [
        *(("stop", 1, 2), ("stop", 2, 2)),  # once more: it changes nothing where it has stopped
        *(("image", 1, 1), ("image", 2, 2), ("image", 3, 2)),  # its name is taken: it is looked for
        *(("image with a restart", 1, 1), ("command", 1, 1)),
    ],
)
def test_what_is_found_late_is_done_once(
    sweep: Sweep, name: str, lagging: int, sent: int, at: str
) -> None:
    scenario = SCENARIOS[name]
    story = carry_out(sweep, name, lagging, at)
    assert story.judge.orders()[called(scenario)] == sent
    assert problems_of(story, scenario) == []


@pytest.mark.parametrize(
    ("name", "lagging", "sent"),
    [("image", 4, 2), ("image with a restart", 2, 1), ("command", 2, 1)],
)
def test_what_is_not_found_in_time_is_asked(
    sweep: Sweep, name: str, lagging: int, sent: int
) -> None:
    scenario = SCENARIOS[name]
    story = carry_out(sweep, name, lagging)
    assert story.judge.orders()[called(scenario)] == sent
    assert problems_of(story, replace(scenario, asks=lambda lives, orders: True)) == []
    assert (story.run.status, statuses(story.run)["a"]) == ("Waiting", "Waiting")
    assert story.judge.effects() == scenario.effects


def test_nothing_is_sent_again_while_the_call_may_be_on_its_way(sweep: Sweep) -> None:
    story = carry_out(sweep, "stop", 1)
    first, second = Event.objects.filter(execution=story.run, kind="step:call").order_by("id")
    target = aws.operation("ec2", "StopInstances")
    assert second.at - first.at >= aws.call_time(target) + settings.QUIET_TIME


def trust_one_look() -> None:
    """What is not found at the first look is sent again."""
    recover = RunCommand.recover

    def recover_at_once(action: RunCommand, ctx: StepContext) -> Outcome:
        outcome = recover(action, ctx)
        has_found_nothing = isinstance(outcome, Wait) and "Looked" in outcome.state
        return action.begin(ctx) if has_found_nothing else outcome

    setattr(RunCommand, "recover", recover_at_once)  # noqa: B010 - mypy forbids it otherwise


@pytest.mark.parametrize(("lagging", "effects"), [(0, 1), (1, 2)])
def test_an_engine_that_trusts_one_look_is_caught(sweep: Sweep, lagging: int, effects: int) -> None:
    """The control: it is right as long as nothing lags."""
    story = carry_out(sweep, "command", lagging, plant=trust_one_look)
    assert story.judge.effects() == Counter({"ssm:SendCommand": effects})

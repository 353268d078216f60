"""The sweep is not blind: what must never be, it sees."""

from __future__ import annotations

from tests.crashes.again import AGAIN
from tests.crashes.controls import (
    forget_intents,
    keep_approvals,
    keep_nothing,
    take_a_new_token,
)
from tests.crashes.scenarios import SCENARIOS
from tests.crashes.sweep import Sweep
from tests.crashes.verdict import problems_of


def test_an_engine_that_calls_before_it_commits_is_caught(sweep: Sweep) -> None:
    scenario = SCENARIOS["unproven"]
    story = sweep.carry_out(scenario, [("answered Publish", 0)], forget_intents)
    assert story.judge.effects() == {"sns:Publish": 2}
    problems = problems_of(story, scenario)
    assert "effects {'sns:Publish': 2}" in problems
    assert any(problem.startswith("unannounced: ['Publish after") for problem in problems)


def test_an_engine_that_takes_a_new_token_is_caught(sweep: Sweep) -> None:
    scenario = SCENARIOS["launch"]
    story = sweep.carry_out(scenario, [("answered RunInstances", 0)], take_a_new_token)
    assert story.judge.effects() == {"ec2:RunInstances": 2}
    problems = problems_of(story, scenario)
    assert "effects {'ec2:RunInstances': 2}" in problems
    assert any(problem.startswith("tokens Counter({'ec2:RunInstances': 2") for problem in problems)


def test_an_engine_that_does_everything_again_is_caught(sweep: Sweep) -> None:
    scenario = AGAIN["again"]
    story = sweep.carry_out(scenario, plant=keep_nothing)
    assert story.judge.effects()["sns:Publish"] == 2
    assert "it keeps []" in problems_of(story, scenario)


def test_an_engine_that_asks_nobody_again_is_caught(sweep: Sweep) -> None:
    scenario = AGAIN["again with an approval"]
    problems = problems_of(sweep.carry_out(scenario, plant=keep_approvals), scenario)
    assert {"it keeps ['a', 'b']", "people were asked 0 times"} <= set(problems)
    assert "b succeeded, and nobody approved it" in problems

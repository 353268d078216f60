"""The sweep is not blind: what must never be, it sees."""

from __future__ import annotations

from tests.crashes.controls import forget_intents, take_a_new_token
from tests.crashes.scenarios import SCENARIOS
from tests.crashes.sweep import Sweep, problems_of


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

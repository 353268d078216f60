"""Workers are killed at every boundary: nothing is lost, done twice, or guessed.

The first worker dies at each place that it passes, once for each. In the recovery a second one dies
at one place, another each time, after every sixth death of a first one. What differs between the
databases is how they commit and let claim, which is the same for all actions: on PostgreSQL the
kinds in WHOLE are swept whole, and of each other one every third place, so that all kinds together
come to all of them. COUNTERSIGN_SWEEP=full tries every place after every death on both, which takes
hours. Of a run that is run again (again.py), workers die in the second run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import pytest
from django.db import connection

from executions import library
from executions.actions.base import registry
from executions.models import DocumentVersion
from tests.crashes.again import AGAIN
from tests.crashes.lives import Place
from tests.crashes.scenarios import SCENARIOS
from tests.crashes.sweep import Sweep
from tests.crashes.verdict import problems_of
from tests.engine.runs import make_version

RUNS = {**SCENARIOS, **AGAIN}
SWEEP = os.environ.get("COUNTERSIGN_SWEEP", "")
IS_FULL = SWEEP == "full"
EVERY = 6  # so many first deaths for one second death
WHOLE = frozenset(
    {"stop", "token", "unproven", "command", "approve", "loop", "child", "cancel", "cancel a child"}
)
STRIDE = 7  # prime, so that second deaths come to all parts of the recovery

pytestmark = pytest.mark.timeout(0 if IS_FULL else 600)


@pytest.mark.parametrize("name", RUNS)
def test_workers_die_anywhere(sweep: Sweep, name: str) -> None:
    scenario, died = RUNS[name], 0
    found: dict[tuple[str, ...], list[str]] = {}
    story = sweep.carry_out(scenario)
    assert problems_of(story, scenario) == []
    places = _choose_first(name, story.places())
    for turn, first in enumerate(places):
        story = sweep.carry_out(scenario, [first])
        died += len(story.deaths)
        if problems := problems_of(story, scenario):
            found[tuple(story.deaths)] = problems
        for second in _choose(turn, story.places(after_death=True)):
            story = sweep.carry_out(scenario, [first, second])
            if problems := problems_of(story, scenario):
                found[tuple(story.deaths)] = problems
    assert found == {}
    assert died >= len(places) * 3 // 4  # how often somebody looks may differ


def _choose_first(name: str, places: Sequence[Place]) -> Sequence[Place]:
    """Where the first worker dies, in a scenario of that name."""
    if SWEEP in ("whole", "full") or name in WHOLE or connection.vendor == "sqlite":
        return places
    return places[len(name) % 3 :: 3]


def _choose(turn: int, places: Sequence[Place]) -> Iterator[Place]:
    """Where the second worker dies, after the first death of that number."""
    if IS_FULL:
        yield from places
    elif places and turn % EVERY == 0:
        yield places[turn * STRIDE % len(places)]


def test_every_action_has_a_scenario(sweep: Sweep) -> None:
    """Whoever adds an action adds what becomes of it when its worker dies."""
    for scenario in SCENARIOS.values():
        make_version(*scenario.prepare(sweep.account), **scenario.document)
    runbooks = [library.runbook(version) for version in DocumentVersion.objects.all()]
    tried = {step.action for runbook in runbooks for step in runbook.walk()}
    assert {action.spec.name for action in registry} == tried


def test_the_boundaries_are_claims_commits_and_requests(sweep: Sweep) -> None:
    story = sweep.carry_out(SCENARIOS["token"])
    call = "cloudformation:CreateStack"
    end = "step:succeeded , step:started , step:succeeded , execution:success"
    (life,) = story.lives
    assert list(life.passed) == [
        "claimed",
        f"commit execution:started , step:started , step:call {call}",
        f"committed execution:started , step:started , step:call {call}",
        *("send CreateStack", "sent CreateStack", "answered CreateStack"),
        *("commit step:succeeded", "committed step:succeeded"),
        *(f"commit {end.partition(' , ')[2]}", f"committed {end.partition(' , ')[2]}"),
        "claimed",  # of nothing
    ]


def test_an_unproven_call_is_in_question_only_between_intent_and_outcome(sweep: Sweep) -> None:
    places = sweep.carry_out(SCENARIOS["unproven"]).places()
    stories = [(name, sweep.carry_out(SCENARIOS["unproven"], [(name, n)])) for name, n in places]
    questions = [name for name, story in stories if story.run.status == "Waiting"]
    assert questions == [
        "committed execution:started , step:started , step:call sns:Publish",
        *("send Publish", "sent Publish", "answered Publish"),
        "commit step:succeeded",
    ]

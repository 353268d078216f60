"""A worker may die anywhere: nothing is lost, nothing happens twice, and no outcome is guessed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from approvals.models import ApprovalRequest
from executions import store
from executions.models import Execution
from tests.crashes.scenarios import SCENARIOS
from tests.crashes.sweep import Sweep, problems_of
from tests.engine.runs import fresh, step

TWICE = 4  # of so many places for a second death, one is tried


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_worker_dies_once_at_any_point(sweep: Sweep, name: str) -> None:
    scenario = SCENARIOS[name]
    run, points = sweep.carry_out(scenario, [])
    assert problems_of(sweep, scenario, run) == []
    assert points >= 6
    found = {}
    for dies_at in range(points):
        run, _ = sweep.carry_out(scenario, [dies_at])
        found[dies_at] = problems_of(sweep, scenario, run)
    assert {dies_at: problems for dies_at, problems in found.items() if problems} == {}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_second_worker_dies_over_the_recovery(sweep: Sweep, name: str) -> None:
    scenario = SCENARIOS[name]
    _, points = sweep.carry_out(scenario, [])
    found = {}
    for first in range(points):
        _, left = sweep.carry_out(scenario, [first])
        for second in range(first % TWICE, left, TWICE):
            run, _ = sweep.carry_out(scenario, [first, second])
            found[first, second] = problems_of(sweep, scenario, run)
    assert len(found) >= points
    assert {deaths: problems for deaths, problems in found.items() if problems} == {}


def test_the_points_are_claims_commits_and_calls(sweep: Sweep) -> None:
    run = sweep.runs.start(*SCENARIOS["token"].steps)
    with sweep.killer.watch():
        sweep.runs.work()
    assert fresh(run).status == "Success"
    assert sweep.killer.passed == [
        "after claim",
        *("before commit", "after commit"),  # the intent
        *("before call", "after call"),
        *("before commit", "after commit"),  # the outcome
        *("before commit", "after commit"),  # the step after it, and the end
        "after claim",  # of nothing
    ]


def test_an_unproven_call_is_in_question_only_between_intent_and_outcome(sweep: Sweep) -> None:
    scenario = SCENARIOS["unproven"]
    _, points = sweep.carry_out(scenario, [])
    asked = [sweep.carry_out(scenario, [dies_at])[0].status for dies_at in range(points)]
    # claimed | before the intent, after it, before the call, after it, before the outcome | after
    assert asked[:2] == ["Success"] * 2
    assert asked[2:6] == ["Waiting"] * 4
    assert set(asked[6:]) == {"Success"}


def test_a_sleep_is_not_begun_again(sweep: Sweep) -> None:
    scenario = SCENARIOS["sleep"]
    _, points = sweep.carry_out(scenario, [])
    for dies_at in range(points):
        run, _ = sweep.carry_out(scenario, [dies_at])
        slept = (step(run, "a").ended_at or run.created_at) - run.created_at
        assert timedelta(minutes=10) <= slept <= timedelta(minutes=11)


def test_people_are_asked_once(sweep: Sweep) -> None:
    scenario = SCENARIOS["approve"]
    _, points = sweep.carry_out(scenario, [])
    for dies_at in range(points):
        run, _ = sweep.carry_out(scenario, [dies_at])
        (request,) = ApprovalRequest.objects.filter(execution=run)
        assert (request.status, request.decisions.count()) == ("Approved", 1)


def test_an_engine_that_calls_before_it_commits_is_caught(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the intent, the sweep must see second effects."""
    write = store.write

    def forget_intents(lease: store.Lease, change: store.Change) -> str:
        if any(event.kind == "step:call" for event in change.events):
            return Execution.objects.values_list("stop_requested", flat=True).get(
                pk=lease.execution_id
            )
        return write(lease, change)

    monkeypatch.setattr(store, "write", forget_intents)
    scenario = SCENARIOS["unproven"]
    _, points = sweep.carry_out(scenario, [])
    effects = []
    for dies_at in range(points):
        sweep.carry_out(scenario, [dies_at])
        effects.append(sweep.world.count_effects())
    assert max(effects) > 1

"""One run at a time: a worker that dies at a point, others that go on, and people in between."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from approvals import decisions
from approvals import history as of_approvals
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import history as of_runs
from executions import lifecycle
from executions.models import Event, Execution, StepExecution
from executions.states import NEVER
from tests.crashes.killer import Killer, WorkerDied
from tests.crashes.scenarios import Scenario, World
from tests.engine.runs import REGION, Runs, fresh, make_version, next_wake, statuses
from tests.engine.steps import Step

TURNS_AT_MOST = 50


class Sweep:
    """Carries out a scenario again and again, each time in a new world."""

    def __init__(self, runs: Runs, approver: User) -> None:
        self.runs = runs
        self.approver = approver
        self.killer = Killer()
        self.world = World()
        self.died_in_call = False

    def call(self, *args: Any) -> dict[str, Any]:
        """AWS, as it is in the world of this moment."""
        return self.world.fake.call(*args)

    def carry_out(self, scenario: Scenario, deaths: Sequence[int]) -> tuple[Execution, int]:
        """Run it while a worker dies at each of these points, one after the other.

        Answers with the run at its end, and how many points the last worker passed.
        """
        self.world, self.died_in_call = World(), False
        version = make_version(*_with_child(scenario))
        run = lifecycle.start(lifecycle.Start(version, REGION), by=self.runs.person)
        for dies_at in deaths:
            self._live(run, scenario, dies_at)
        passed = self._live(run, scenario, None)
        return fresh(run), passed

    def _live(self, run: Execution, scenario: Scenario, dies_at: int | None) -> int:
        """One worker's life: until it dies, or there is nothing more to do."""
        passed = 0
        for _ in range(TURNS_AT_MOST):
            left = None if dies_at is None else dies_at - passed
            try:
                with self.killer.watch(left):
                    self.runs.work()
            except WorkerDied:
                self.died_in_call |= StepExecution.objects.filter(
                    execution=run, phase="call"
                ).exists()
                return passed + len(self.killer.passed)
            passed += len(self.killer.passed)
            self._ask_people(run, scenario)
            if next_wake() >= NEVER:
                return passed
            self.runs.hand.now = max(self.runs.hand.now, next_wake())
        raise AssertionError(f"the run does not come to rest: {statuses(run)}")

    def _ask_people(self, run: Execution, scenario: Scenario) -> None:
        """alice approves what she is asked; olivia cancels what is to be cancelled."""
        for request in ApprovalRequest.objects.filter(execution=run, status="Pending"):
            decisions.decide(request.id, by=self.approver, verdict="Approve")
        row = fresh(run)
        sleeping = statuses(run).get("a") == "InProgress" and row.lease_owner == ""
        if scenario.status == "Cancelled" and sleeping and not row.stop_requested:
            self.runs.stop(run)


def _with_child(scenario: Scenario) -> Sequence[Step]:
    """The steps; the runbook that they start is made, and named in them."""
    if not scenario.child:
        return scenario.steps
    name = make_version(*scenario.child).document.name
    steps: Sequence[Step] = json.loads(json.dumps(scenario.steps).replace("CHILD", name))
    return steps


def problems_of(sweep: Sweep, scenario: Scenario, run: Execution) -> list[str]:
    """Everything that must not be, in words."""
    rows = list(StepExecution.objects.filter(execution=run))
    events = list(Event.objects.filter(execution=run))
    over = [event for event in events if event.kind in {"execution:success", "execution:cancelled"}]
    announced = sum(event.kind == "step:call" for event in events)
    unknown = scenario.asks(sweep.died_in_call, announced - sweep.world.made)
    world, effects = sweep.world, sweep.world.count_effects()
    children = list(run.children.values_list("status", flat=True))
    checks = {
        f"it is {run.status}": run.status == ("Waiting" if unknown else scenario.status),
        f"its steps are {statuses(run)}": unknown or statuses(run) == dict(scenario.ends),
        "a step ran twice": len(rows) == len({(row.name, row.iteration) for row in rows}),
        f"children {children}": children == ([scenario.status] if scenario.child else []),
        "an attempt too many": all(row.attempt == 1 for row in rows),
        "a worker still holds it": run.lease_owner == "",
        f"{effects} effects": effects in ({0, 1} if unknown else {scenario.effects}),
        f"tokens {world.tokens}": len(world.tokens) <= max(1, scenario.effects),
        "a call that nobody announced": world.unannounced == [],
        "a gap in the events": [event.seq for event in events] == [*range(1, len(events) + 1)],
        "the end is not told once, at last": unknown or over == events[-1:],
        "a question but no unknown call": not unknown or rows[-1].phase == "unknown",
    }
    told = [
        problem
        for one in (run, *run.children.all())
        for problem in (*of_runs.problems(one), *of_approvals.problems(one))
    ]
    return [*(problem for problem, holds in checks.items() if not holds), *told]

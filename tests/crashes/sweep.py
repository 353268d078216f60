"""One run at a time: workers that die at points, others that go on, and people in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from django.db import connection

from approvals import decisions
from approvals.models import ApprovalRequest
from console.iam.models import User
from console.simulator import client
from executions import lifecycle, redrive, signals
from executions.aws import client as client_of
from executions.models import Execution
from executions.states import NEVER
from tests.crashes.account import Account, Judge
from tests.crashes.lives import End, Life, Place, begin
from tests.crashes.scenario import Scenario
from tests.engine.runs import REGION, Runs, fresh, make_version, next_wake, statuses
from tests.simulator.shells import wait_until

LIVES_AT_MOST: Final = 40
ALIKE: Final = 2
REFUSAL: Final = {"kind": "error", "code": "ValidationError", "status": 400}

Plant = Callable[[], None]
Sessions = dict[Any, Any]  # clients of executions.aws, by whose and for what they are
WARM: Final = "warm"  # the session of the role whose clients are lent


@dataclass
class Story:
    """What AWS has seen, the lives of workers, and the run that they worked on."""

    judge: Judge
    lives: list[Life]
    run: Execution = field(default_factory=Execution)
    failed: Story | None = None  # of the run that this one runs again

    @cached_property
    def runs(self) -> list[Execution]:
        """All at the end: the run, the one that it runs again, and what steps of either started."""
        runs = [self.run, *(self.failed.runs if self.failed else ())]
        return [*runs, *self.run.children.all()]

    @property
    def all_lives(self) -> list[Life]:
        """Also those of the workers on the run that failed."""
        return [*(self.failed.all_lives if self.failed else ()), *self.lives]

    @property
    def deaths(self) -> list[str]:
        """Where workers died."""
        return [life.passed[-1] for life in self.lives if life.died]

    def places(self, *, after_death: bool = False) -> list[Place]:
        """Where a worker can die, perhaps after the last that did.

        A name that comes a third time is left out: the third look at the same thing is like the
        second.
        """
        died = [number for number, life in enumerate(self.lives, start=1) if life.died]
        since = died[-1] if after_death and died else 0
        passed = [name for life in self.lives[since:] for name in life.passed]
        counted = [(name, passed[:number].count(name)) for number, name in enumerate(passed)]
        return [(name, times) for name, times in counted if times < ALIKE]


class Lent(Sessions):
    """Spares workers to assume the role for each run: that is the same for every kind of step."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Those of its own if it has any, as a worker that did assume it."""
        identity, *rest = key
        lent = (replace(identity, session_name=WARM), *rest)
        return super().get(key) or super().get(lent, default)


class Sweep:
    """Carries out a scenario again and again, each time on other things of the account."""

    def __init__(self, runs: Runs, approver: User, account: Account, sessions: Sessions) -> None:
        self.runs = runs
        self.approver = approver
        self.account = account
        self._sessions = sessions

    def carry_out(
        self, scenario: Scenario, deaths: Sequence[Place] = (), plant: Plant | None = None
    ) -> Story:
        """Run it while a worker dies at each of these points, one after the other.

        A run that is to be run again has failed before that, while nobody died.
        """
        client_of._clients = Lent(self._sessions) if scenario.is_warm else {}
        steps = scenario.prepare(self.account)
        story = Story(Judge(self.account.endpoint), [])
        start = lifecycle.Start(make_version(*steps, **scenario.document), REGION)
        story.run = lifecycle.start(start, by=self.runs.person)
        if scenario.refused:
            story = self._run_again(story, scenario)
        self.go_on(story, scenario, deaths, plant)
        return story

    def _run_again(self, story: Story, scenario: Scenario) -> Story:
        """Let the run fail, and start it again once AWS no longer refuses: the story from there."""
        client.faults(self.account.endpoint, {**REFUSAL, **scenario.refused})
        self.go_on(story, scenario)
        run = redrive.start(story.run.pk, by=self.runs.person)
        return Story(story.judge, [], run, story)

    def go_on(
        self,
        story: Story,
        scenario: Scenario,
        deaths: Sequence[Place] = (),
        plant: Plant | None = None,
    ) -> None:
        """Let workers live and people act until nothing will happen by itself."""
        left = list(deaths)
        for _ in range(LIVES_AT_MOST):
            life = self.let_live(story, left[0] if left else None, plant)
            if life.died:
                left.pop(0)
            elif left:
                name, times = left[0]
                left[0] = (name, times - life.passed.count(name))
            acted = self._ask_people(story.run, scenario)
            wake = next_wake()
            if not acted and wake < NEVER:
                self.runs.hand.now = max(self.runs.hand.now, wake)
            elif not acted and not life.died:
                story.run = fresh(story.run)
                return
        raise AssertionError(f"the run does not come to rest: {statuses(story.run)}")

    def let_live(self, story: Story, dies_at: Place | None, plant: Plant | None = None) -> Life:
        """One worker's life, and all that is left of it in the database and on its way to AWS."""
        life = begin(self.runs.hand, End(dies_at), plant).end()
        story.lives.append(life)
        story.judge.await_arrivals(sum(len(one.requests) for one in story.all_lives))
        if life.died and connection.vendor == "postgresql":
            wait_until(_is_alone, "the dead worker's transaction is rolled back")
        return life

    def _ask_people(self, run: Execution, scenario: Scenario) -> bool:
        """alice approves what she is asked; olivia resumes what pauses, and cancels. If anybody."""
        steps = list(run.steps.exclude(phase="ended"))
        if any(step.action == "aws:approve" for step in steps):
            return self._approve(run)
        if any(step.is_paused for step in steps):
            return self._resume(run)
        acts = any((step.name, step.status) == ("a", "InProgress") for step in steps)
        return acts and scenario.status == "Cancelled" and self._cancel(run)

    def _approve(self, run: Execution) -> bool:
        for request in ApprovalRequest.objects.filter(execution=run, status="Pending"):
            decisions.decide(request.id, by=self.approver, verdict="Approve")
            return True
        return False

    def _resume(self, run: Execution) -> bool:
        if run.signals.filter(consumed_at=None).exists():
            return False
        signals.send(fresh(run), "Resume", "a", by=self.runs.person)
        return True

    def _cancel(self, run: Execution) -> bool:
        """Once no worker holds it, and if nobody has."""
        row = fresh(run)
        if row.lease_owner or row.stop_requested:
            return False
        self.runs.stop(row)
        return True


def _is_alone() -> bool:
    """Whether PostgreSQL serves nobody but us."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        return bool(cursor.fetchone() == (0,))

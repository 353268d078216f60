"""One run at a time: workers that die at points, others that go on, and people in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.db import connection

from approvals import decisions
from approvals import history as of_approvals
from approvals.models import ApprovalRequest
from console.iam.models import User
from console.simulator.calls import READS
from executions import history as of_runs
from executions import library, lifecycle, signals
from executions.aws import client as client_of
from executions.models import Execution, StepExecution
from executions.states import NEVER
from tests.crashes.account import Account, Judge
from tests.crashes.lives import End, Life, Place, begin
from tests.crashes.scenarios import Scenario
from tests.engine.runs import REGION, Runs, fresh, make_version, next_wake, statuses
from tests.simulator.shells import wait_until

LIVES_AT_MOST: Final = 40
ALIKE: Final = 2

Plant = Callable[[], None]
Sessions = dict[tuple[Any, ...], Any]  # clients of executions.aws, by whose and for what they are


@dataclass
class Story:
    """What AWS has seen, the lives of workers, and the run that they worked on."""

    judge: Judge
    lives: list[Life]
    run: Execution = field(default_factory=Execution)

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
        """Run it while a worker dies at each of these points, one after the other."""
        client_of._clients.clear()
        steps = scenario.prepare(self.account)
        story = Story(Judge(self.account.endpoint), [])
        version = make_version(*steps, **scenario.document)
        run = lifecycle.start(lifecycle.Start(version, REGION), by=self.runs.person)
        story.run = run
        if scenario.is_warm:
            self._lend_sessions(run)
        self.go_on(story, scenario, deaths, plant)
        return story

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
        story.judge.await_arrivals(sum(len(one.requests) for one in story.lives))
        if life.died and connection.vendor == "postgresql":
            wait_until(_is_alone, "the dead worker's transaction is rolled back")
        return life

    def _lend_sessions(self, run: Execution) -> None:
        """Spare its workers to assume the role: that is the same for every kind of step."""
        for (identity, *rest), held in self._sessions.items():
            own = replace(identity, session_name=f"Automation-{run.pk}")
            client_of._clients[own, *rest] = held

    def _ask_people(self, run: Execution, scenario: Scenario) -> bool:
        """alice approves what she is asked; olivia resumes what pauses, and cancels. If anybody."""
        for request in ApprovalRequest.objects.filter(execution=run, status="Pending"):
            decisions.decide(request.id, by=self.approver, verdict="Approve")
            return True
        row, steps = fresh(run), statuses(run)
        paused = row.steps.filter(action="aws:pause", status="Waiting", phase="wait").exists()
        if paused and not row.signals.filter(consumed_at=None).exists():
            signals.send(row, "Resume", "a", by=self.runs.person)
            return True
        sleeps = steps.get("a") == "InProgress" and row.lease_owner == ""
        if scenario.status == "Cancelled" and sleeps and not row.stop_requested:
            self.runs.stop(row)
            return True
        return False


def _is_alone() -> bool:
    """Whether PostgreSQL serves nobody but us."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        return bool(cursor.fetchone() == (0,))


def problems_of(story: Story, scenario: Scenario) -> list[str]:
    """Everything that must not be, in words: by AWS's log, by rows, by what workers passed."""
    run, orders, effects = story.run, story.judge.orders(), story.judge.effects()
    unknown = scenario.asks(story.lives, orders)
    wanted = Counter(scenario.effects)
    rows = list(StepExecution.objects.filter(execution=run))
    children = list(run.children.all())
    checks = {
        f"it is {run.status}": run.status == ("Waiting" if unknown else scenario.status),
        f"its steps are {statuses(run)}": unknown or _ended(run) == _expected(run, scenario),
        "a step ran twice": len(rows) == len({(row.name, row.iteration) for row in rows}),
        "an attempt too many": all(row.attempt == 1 for row in rows),
        f"children {children}": all(child.status == scenario.status for child in children),
        "a worker still holds it": run.lease_owner == "",
        f"effects {dict(effects)}": effects <= wanted if unknown else effects == wanted,
        f"tokens {story.judge.tokens()}": story.judge.tokens() <= wanted,
        f"tokens with two bodies {story.judge.mixed_tokens()}": not story.judge.mixed_tokens(),
        "a question but no unknown call": not unknown or rows[-1].phase == "unknown",
        f"unannounced: {list(unannounced(story))}": not list(unannounced(story)),
    }
    told = [
        problem
        for one in (run, *children)
        for problem in (*of_runs.problems(one), *of_approvals.problems(one))
    ]
    return [*(problem for problem, holds in checks.items() if not holds), *told]


def unannounced(story: Story) -> Iterator[str]:
    """Requests that change something, made while the last commit was not their intent."""
    for life in story.lives:
        committed = ""
        for name in life.passed:
            if name.startswith("committed "):
                committed = name
            elif name.startswith("send "):
                operation = name.removeprefix("send ")
                is_read = READS.match(operation) or operation == "GetParameter"
                if not is_read and f":{operation}" not in committed:
                    yield f"{operation} after {committed or 'nothing'}"


def _ended(run: Execution) -> dict[str, str]:
    return {row.name: row.status for row in StepExecution.objects.filter(execution=run)}


def _expected(run: Execution, scenario: Scenario) -> dict[str, str]:
    """Each step of the document that is reached, with the status that it must have."""
    names = [step.name for step in library.runbook(run.version).walk()]
    if scenario.status == "Cancelled":
        names = [name for name in names if name != "afterwards"]
    return {name: scenario.ends.get(name, "Success") for name in names}

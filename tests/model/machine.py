"""Everything that people, workers, clocks and AWS may do to each other, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Final, cast
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from approvals import decisions
from approvals.models import ApprovalRequest
from executions import clock, lifecycle, signals
from executions.errors import Refused
from executions.models import Execution, StepExecution
from executions.states import NEVER
from tests.approvals.people import take_rights
from tests.engine.runs import next_wake
from tests.model import found, promises
from tests.model.documents import APPROVERS, Plan, plans
from tests.model.judge import Breach
from tests.model.workers import Worker
from tests.model.world import FAULTS, World

MOST_RUNS: Final = 3
LOOKS_AT_MOST: Final = 400  # until all is at rest
LEAPS: Final = (1, 3, 10, 31, 60, 100, 600, 3_600, 86_400, 8 * 86_400)
ANY: Final = st.integers(0, 7)  # which of those that there are
BOUNDARY: Final = st.integers(1, 14)


class Story(RuleBasedStateMachine):
    """One story, in a world of its own."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.tokens: dict[str, UUID] = {}
        self.lost: Counter[UUID] = Counter()  # workers, by the execution that they had
        self.broken = False
        world.begin_anew()

    # People

    @initialize(plan=plans())
    def begin(self, plan: Plan) -> None:
        """There is always one."""
        self.world.start(plan)

    @precondition(lambda self: Execution.objects.filter(parent=None).count() < MOST_RUNS)
    @rule(plan=plans(), token=st.booleans())
    def start(self, plan: Plan, token: bool) -> None:
        """Another one."""
        name = f"token-{len(self.tokens)}" if token else None
        execution = self.world.start(plan, name)
        if name:
            self.tokens[name] = execution.id

    @precondition(lambda self: self.tokens)
    @rule(which=ANY)
    def start_again(self, which: int) -> None:
        """The same token gives the same execution."""
        name = found.pick(self.tokens, which)
        before = Execution.objects.get(pk=self.tokens[name])
        again = self.world.start_version(before.version, name)
        if again.id != before.id:
            self.fail("start", f"a second start with {name} is another execution")

    @precondition(lambda self: bool(found.requests()))
    @rule(
        which=ANY,
        name=st.sampled_from((*APPROVERS, *APPROVERS, "olivia", "victor")),
        verdict=st.sampled_from(("Approve", "Approve", "Reject")),
    )
    def decide(self, which: int, name: str, verdict: str) -> None:
        """Somebody approves or rejects, who may do so or not."""
        self._decide(found.pick(found.requests(), which), name, verdict)

    def _decide(self, request: ApprovalRequest, name: str, verdict: str) -> None:
        try:
            decided = decisions.decide(request.id, by=self.world.person(name), verdict=verdict)
        except Refused:
            return
        if name not in APPROVERS or name in self.world.without_rights:
            self.fail("rights", f"{name} may not decide, and did")
        votes = {one.person.get_username(): one.verdict for one in decided.decisions.all()}
        standing = [one for one in votes if one not in self.world.without_rights]
        if verdict == "Reject" and decided.status != "Rejected":
            self.fail("verdict", f"a request that {name} rejected is {decided.status}")
        if decided.status == "Approved" and len(standing) < decided.required:
            self.fail("quorum", f"{votes} are enough, and {self.world.without_rights} count not")

    @precondition(lambda self: len(self.world.without_rights) < 1)
    @rule(name=st.sampled_from(APPROVERS))
    def lose_rights(self, name: str) -> None:
        """An approver may approve no more."""
        take_rights(self.world.person(name))
        self.world.without_rights.add(name)

    @precondition(lambda self: bool(found.active()))
    @rule(which=ANY, kind=st.sampled_from(("Cancel", "Cancel", "Complete")))
    def stop(self, which: int, kind: str) -> None:
        """olivia ends one."""
        self._stop(found.pick(found.active(), which), kind)

    def _stop(self, execution: Execution, kind: str) -> None:
        try:
            lifecycle.stop(execution, by=self.world.person("olivia"), kind=kind)
        except Refused:
            execution.refresh_from_db()
            if not execution.stop_requested and not execution.is_over:
                self.fail("stop", f"{execution.status}, and cannot be stopped")

    @precondition(lambda self: bool(found.unknown()))
    @rule(which=ANY, verdict=st.sampled_from(("adopt", "fail", "rerun")))
    def settle(self, which: int, verdict: str) -> None:
        """olivia says what became of a call."""
        self._settle(found.pick(found.unknown(), which), verdict)

    def _settle(self, step: StepExecution, verdict: str) -> None:
        judge = self.world.judge
        try:
            signals.settle_unknown(step, verdict, comment="", by=self.world.person("olivia"))
        except Refused:
            return
        judge.rerun[step.id] += verdict == "rerun"
        if verdict == "adopt":  # its loop has more time, too
            judge.adopted |= {step.id, *([step.parent_id] if step.parent_id else [])}

    # Workers, bells and the clock

    @rule(turns=st.integers(1, 3))
    def work(self, turns: int) -> None:
        """A worker looks by itself, and does some turns."""
        self.world.crew.work(turns)

    @precondition(lambda self: self.world.bells)
    @rule(fate=st.sampled_from(("heard", "lost", "doubled")))
    def ring(self, fate: str) -> None:
        """A bell is heard by a worker, or by two, or Redis has lost them all."""
        self.world.bells = 0 if fate == "lost" else self.world.bells - 1
        for _ in range({"heard": 1, "lost": 0, "doubled": 2}[fate]):
            self.world.crew.work(turns=9)

    @rule(boundary=BOUNDARY)
    def die(self, boundary: int) -> None:
        """A worker dies at a boundary."""
        self._lose(self.world.crew.work(2, dies_at=boundary))

    @precondition(lambda self: len(self.world.crew.paused) < 2)
    @rule(boundary=BOUNDARY)
    def pause(self, boundary: int) -> None:
        """A worker stands still in the middle of a turn."""
        self._lose(self.world.crew.work(1, pauses_at=boundary - 1))

    def _lose(self, worker: Worker) -> None:
        if (worker.died or worker.is_paused) and worker.claimed:
            self.lost[worker.claimed[0]] += 1

    @precondition(lambda self: self.world.crew.paused)
    @rule(which=ANY)
    def come_back(self, which: int) -> None:
        """It goes on; if its lease was taken, it changes nothing any more."""
        self._come_back(found.pick(self.world.crew.paused, which))

    def _come_back(self, worker: Worker) -> None:
        taken = worker.claimed and not Execution.objects.filter(
            pk=worker.claimed[0], epoch=worker.claimed[1]
        )
        before = found.rows() if taken else []
        self.world.crew.come_back(worker)
        if taken and found.rows() != before:
            self.fail("fence", f"{worker.name} wrote after its lease was taken")

    @precondition(lambda self: next_wake() <= clock.now())
    @rule(boundary=st.integers(1, 7), kind=st.sampled_from(("Cancel", "Complete", "vote", "lease")))
    def race(self, boundary: int, kind: str) -> None:
        """A worker pauses; somebody acts on what it has; it goes on."""
        worker = self.world.crew.work(1, pauses_at=boundary - 1)
        self._lose(worker)
        if not worker.is_paused:
            return
        held = Execution.objects.get(pk=worker.claimed[0])
        if kind == "vote":
            for request in held.approval_requests.filter(status="Pending"):
                self._decide(request, "alice", "Reject")
        elif kind == "lease":
            self.lease_ends()
        else:
            self._stop(held, kind)
        self._come_back(worker)

    @precondition(lambda self: self.world.crew.paused or self.world.crew.dead)
    @rule()
    def lease_ends(self) -> None:
        """Long enough for whatever a worker has held."""
        self.world.move(clock.now() + timedelta(seconds=40))
        self.world.crew.work(3)

    @rule(seconds=st.sampled_from(LEAPS))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.world.move(clock.now() + timedelta(seconds=seconds))

    @precondition(lambda self: next_wake() < NEVER)
    @rule()
    def wait_for_work(self) -> None:
        """Until something is due, and a worker does it."""
        self.world.move(next_wake())
        self.world.crew.work(3)

    @precondition(lambda self: len(self.world.faults) < 2)
    @rule(mood=st.sampled_from((*FAULTS, "refused")))
    def trouble(self, mood: str) -> None:
        """What AWS will do at the next call."""
        self.world.faults.append(mood)

    # What must hold

    @invariant()
    def no_promise_is_broken(self) -> None:
        """The cheap ones, after every rule."""
        if self.world.judge.breaches:
            self.broken = True
            raise self.world.judge.breaches[0]
        self._hold("nudge", promises.nudged())
        self._hold("rest", promises.asked_nobody())

    def _hold(self, name: str, problems: Iterable[str]) -> None:
        if problem := next(iter(problems), None):
            self.fail(name, problem)

    def fail(self, name: str, text: str) -> None:
        """End the story."""
        self.broken = True
        raise Breach(name, text)

    def teardown(self) -> None:
        """Clear the faults, let everything come to rest, and look at all of it."""
        if self.broken:
            self.world.crew.reset()
            return
        while self.world.crew.paused:
            self.come_back(0)
            self.no_promise_is_broken()
        self.world.faults.clear()
        self._come_to_rest()
        for name, problem in promises.at_rest(self.world.judge, self.lost):
            self.fail(name, problem)

    def _come_to_rest(self) -> None:
        for _ in range(LOOKS_AT_MOST):
            self.world.crew.work(turns=50)
            self.no_promise_is_broken()
            if next_wake() >= NEVER:
                return
            for step in promises.unended_children():
                self._settle(step, "fail")
            self.world.move(next_wake())
        self.fail("rest", "the runs do not come to rest")


def tell_stories(world: World, how: settings) -> None:
    """Raises the first Breach that is found."""
    # It takes whatever makes a machine; its signature says a class.
    made = cast(type[Story], partial(Story, world))
    run_state_machine_as_test(made, settings=how)

"""What people do in a story: start, decide, stop, and lose their rights."""

from __future__ import annotations

from collections import Counter
from typing import Final
from uuid import UUID

from django.db import IntegrityError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from approvals import decisions
from approvals.models import ApprovalRequest
from executions import lifecycle, redrive, signals
from executions.errors import Refused
from executions.models import Execution, StepExecution
from tests.approvals.people import take_rights
from tests.model import found, promises
from tests.model.documents import VALUES, Plan, plans
from tests.model.judge import Breach
from tests.model.kinds import Kind, when
from tests.model.world import World

PEOPLE: Final = ("alice", "bob")  # who may decide
STARTERS: Final = ("olivia", "victor")  # who may start
MOST_AGAIN: Final = 4
ANY: Final = st.integers(0, 7)  # which of those that there are
PLANS: Final = st.runner().flatmap(lambda story: plans(story.kind.shape))


class People(RuleBasedStateMachine):
    """Their rules, in a world of the story's own."""

    def __init__(self, world: World, kind: Kind) -> None:
        super().__init__()
        self.world = world
        self.kind = kind
        self.tokens: dict[str, UUID] = {}
        self.lost: Counter[UUID] = Counter()  # workers, by the execution that they had
        self.broken = False
        world.begin_anew()
        self.scene = found.scene()

    def fail(self, name: str, text: str) -> None:
        """End the story."""
        self.broken = True
        raise Breach(name, text)

    @initialize(plan=PLANS)
    def begin(self, plan: Plan) -> None:
        """There is always one."""
        self.world.start(plan)

    @when(lambda self: len(self.scene.started) < self.kind.most_runs)
    @rule(plan=PLANS, token=st.booleans())
    def start(self, plan: Plan, token: bool) -> None:
        """Another one."""
        name = f"token-{len(self.tokens)}" if token else None
        execution = self.world.start(plan, name)
        if name:
            self.tokens[name] = execution.id

    @when(lambda self: self.tokens)
    @rule(which=ANY)
    def start_again(self, which: int) -> None:
        """The same token gives the same execution."""
        name = found.pick(self.tokens, which)
        before = Execution.objects.get(pk=self.tokens[name])
        again = self.world.start_version(before.version, name)
        if again.id != before.id:
            self.fail("start", f"a second start with {name} is another execution")

    @when(lambda self: self.scene.failed and len(self.scene.again) < MOST_AGAIN)
    @rule(
        which=ANY,
        name=st.sampled_from((*STARTERS, *STARTERS, "alice")),
        state=st.sampled_from(VALUES),
        refuses=st.booleans(),
    )
    def run_again(self, which: int, name: str, state: str, refuses: bool) -> None:
        """Somebody runs one again that may be so or not. What it meets may be different now."""
        self.world.state, self.world.refuses = state, refuses
        self._run_again(found.pick([*self.scene.failed, *self.scene.executions], which), name)

    def _run_again(self, run: Execution, name: str) -> None:
        may = name in STARTERS and promises.may_run_again(run)
        try:
            redrive.start(run.pk, by=self.world.person(name))
        except Refused as refusal:
            if may:
                self.fail("again", f"{name} may run {run.pk} again: {refusal}")
        except IntegrityError as error:
            self.fail("again", f"only the database refused to run {run.pk} again: {error}")
        else:
            if not may:
                self.fail("again", f"{name} may not run {run.pk} again, and did")

    @when(lambda self: self.scene.pending)
    @rule(
        which=ANY,
        name=st.sampled_from((*PEOPLE, *PEOPLE, "olivia", "victor")),
        verdict=st.sampled_from(("Approve", "Approve", "Approve", "Reject")),
    )
    def decide(self, which: int, name: str, verdict: str) -> None:
        """Somebody approves or rejects, who may do so or not."""
        self._decide(found.pick(self.scene.pending, which), name, verdict)

    def _decide(self, request: ApprovalRequest, name: str, verdict: str) -> None:
        try:
            decided = decisions.decide(request.id, by=self.world.person(name), verdict=verdict)
        except Refused:
            return
        if name not in PEOPLE or name in self.world.without_rights:
            self.fail("rights", f"{name} may not decide, and did")
        votes = {one.person.get_username(): one.verdict for one in decided.decisions.all()}
        standing = [one for one in votes if one not in self.world.without_rights]
        if verdict == "Approve":
            self.world.judge.approvals.setdefault(request.step_id, set()).add(name)
        if verdict == "Reject" and decided.status != "Rejected":
            self.fail("verdict", f"a request that {name} rejected is {decided.status}")
        if decided.status == "Approved" and len(standing) < decided.required:
            self.fail("quorum", f"{votes} are enough, and {self.world.without_rights} count not")

    @when(lambda self: self.scene.pending)
    @rule(which=ANY, names=st.permutations(PEOPLE), loses=st.booleans())
    def agree(self, which: int, names: list[str], loses: bool) -> None:
        """Both approve; the first may have lost their rights when the second does."""
        request = found.pick(self.scene.pending, which)
        self._decide(request, names[0], "Approve")
        if loses and not self.world.without_rights:
            self._lose_rights(names[0])
        self._decide(request, names[1], "Approve")

    @when(lambda self: self.scene.pending and not self.world.without_rights)
    @rule(name=st.sampled_from(PEOPLE))
    def lose_rights(self, name: str) -> None:
        """An approver may approve no more."""
        self._lose_rights(name)

    def _lose_rights(self, name: str) -> None:
        take_rights(self.world.person(name))
        self.world.without_rights.add(name)

    @when()
    @rule(which=ANY, kind=st.sampled_from(("Cancel", "Cancel", "Complete")))
    def stop(self, which: int, kind: str) -> None:
        """olivia ends one, or wants to end one that is over."""
        self._stop(found.pick(self.scene.executions, which), kind)

    def _stop(self, execution: Execution, kind: str) -> None:
        was_over = execution.is_over
        try:
            lifecycle.stop(execution, by=self.world.person("olivia"), kind=kind)
        except Refused:
            execution.refresh_from_db()
            if not execution.stop_requested and not execution.is_over:
                self.fail("stop", f"{execution.status}, and cannot be stopped")
        else:
            if was_over:
                self.fail("stop", f"{execution.status}, and was stopped afterwards")

    @when(lambda self: self.scene.unknown)
    @rule(which=ANY, verdict=st.sampled_from(("adopt", "fail", "rerun")))
    def settle(self, which: int, verdict: str) -> None:
        """olivia says what became of a call."""
        self._settle(found.pick(self.scene.unknown, which), verdict)

    def _settle(self, step: StepExecution, verdict: str) -> None:
        judge = self.world.judge
        try:
            signals.settle_unknown(step, verdict, comment="", by=self.world.person("olivia"))
        except Refused:
            return
        judge.rerun[step.id] += verdict == "rerun"
        if verdict == "adopt":  # its loop has more time, too
            judge.adopted |= {step.id, *([step.parent_id] if step.parent_id else [])}

    @when(lambda self: self.scene.active)
    @rule(which=ANY)
    def nudge(self, which: int) -> None:
        """Somebody says that there is news, and there is none."""
        lifecycle.nudge(found.pick(self.scene.active, which).pk)

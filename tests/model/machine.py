"""Everything that people, workers, clocks and AWS may do to each other, in any order."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final, cast

from django.test import override_settings
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from executions import clock
from executions.models import Execution
from executions.states import NEVER
from tests.model import found, promises
from tests.model.documents import VALUES
from tests.model.kinds import Kind, when
from tests.model.people import ANY, PEOPLE, People
from tests.model.workers import Worker
from tests.model.world import FAULTS, World

NEWS: Final = ("Cancel", "Complete", "Approve", "Reject", "lease")
LOOKS_AT_MOST: Final = 400  # until all is at rest
DUE_AT_MOST: Final = 6
LEAPS: Final = (1, 3, 10, 31, 60, 100, 600, 3_600, 86_400, 8 * 86_400)
BOUNDARY: Final = st.integers(1, 14)


class Story(People):
    """One story: what people do, what becomes of workers, bells and calls, and the time."""

    @when()
    @rule(turns=st.integers(1, 3))
    def work(self, turns: int) -> None:
        """A worker looks by itself, and does some turns."""
        self.world.crew.work(turns)

    @when(lambda self: self.world.bells)
    @rule(fate=st.sampled_from(("heard", "lost", "doubled")))
    def ring(self, fate: str) -> None:
        """A bell is heard by a worker, or by two, or Redis has lost them all."""
        self.world.bells = 0 if fate == "lost" else self.world.bells - 1
        for _ in range({"heard": 1, "lost": 0, "doubled": 2}[fate]):
            self.world.crew.work(turns=9)

    @when()
    @rule(boundary=BOUNDARY)
    def die(self, boundary: int) -> None:
        """A worker dies at a boundary."""
        self._lose(self.world.crew.work(2, dies_at=boundary))

    @when(lambda self: len(self.world.crew.paused) < 2)
    @rule(boundary=BOUNDARY)
    def pause(self, boundary: int) -> None:
        """A worker stands still in the middle of a turn."""
        self._lose(self.world.crew.work(1, pauses_at=boundary - 1))

    def _lose(self, worker: Worker) -> None:
        if (worker.died or worker.is_paused) and worker.claimed:
            self.lost[worker.claimed[0]] += 1

    @when(lambda self: self.world.crew.paused)
    @rule(which=ANY)
    def come_back(self, which: int) -> None:
        """It goes on; if its lease was taken, it changes nothing any more."""
        self._come_back(found.pick(self.world.crew.paused, which))

    def _come_back(self, worker: Worker) -> None:
        taken = worker.claimed and not Execution.objects.filter(
            pk=worker.claimed[0], epoch=worker.claimed[1]
        )
        before = found.written() if taken else []
        self.world.crew.come_back(worker)
        if taken and found.written() != before:
            self.fail("fence", f"{worker.name} wrote after its lease was taken")

    @when(lambda self: self.next_wake() <= clock.now())
    @rule(boundary=st.integers(1, 7), kind=st.sampled_from(NEWS))
    def race(self, boundary: int, kind: str) -> None:
        """A worker pauses; somebody acts on what it has; it goes on."""
        worker = self.world.crew.work(1, pauses_at=boundary - 1)
        self._lose(worker)
        if not worker.is_paused:
            return
        held = Execution.objects.get(pk=worker.claimed[0])
        if kind in ("Approve", "Reject"):
            for request in held.approval_requests.filter(status="Pending"):
                self._decide(request, "alice", kind)
        elif kind == "lease":
            self.lease_ends()
        else:
            self._stop(held, kind)
        self._come_back(worker)

    @when(lambda self: self.world.crew.paused or self.world.crew.dead)
    @rule()
    def lease_ends(self) -> None:
        """Long enough for whatever a worker has held."""
        self.world.move(clock.now() + timedelta(seconds=40))
        self.world.crew.work(3)

    @when()
    @rule(seconds=st.sampled_from(LEAPS))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.world.move(clock.now() + timedelta(seconds=seconds))

    @when(lambda self: self.next_wake() < NEVER)
    @rule()
    def wait_for_work(self) -> None:
        """Until something is due, and a worker does it."""
        self.world.move(self.next_wake())
        self.world.crew.work(3)

    @when(lambda self: self.next_wake() < NEVER)
    @rule()
    def carry_on(self) -> None:
        """Nothing odd happens for a while: all is done in time, and whoever is asked agrees."""
        for _ in range(DUE_AT_MOST):
            if self.next_wake() >= NEVER:
                return
            self.world.move(self.next_wake())
            self.world.crew.work(turns=9)
            self.no_promise_is_broken()
            for request in self.scene.pending:
                for name in PEOPLE:
                    self._decide(request, name, "Approve")

    def next_wake(self) -> datetime:
        """When the next execution may be claimed."""
        waking = (run for run in self.scene.executions if run.wake_at < NEVER)
        return min((max(run.wake_at, run.lease_until) for run in waking), default=NEVER)

    @when(lambda self: len(self.world.faults) < 2)
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
        self.scene = found.scene()
        for name, problem in promises.between(self.scene):
            self.fail(name, problem)

    def teardown(self) -> None:
        """Clear the faults, let everything come to rest, and look at all of it."""
        if self.broken:
            self.world.crew.reset()
            return
        while self.world.crew.paused:
            self.come_back(0)
            self.no_promise_is_broken()
        self.world.faults.clear()
        if self.kind.tells("run_again"):
            self.carry_on()
            self._give_another_chance()
        self._come_to_rest()
        for name, problem in promises.at_rest(self.world.judge, self.lost):
            self.fail(name, problem)

    def _give_another_chance(self) -> None:
        """Run again what has failed, where something else is to be seen now."""
        self.world.state, self.world.refuses = VALUES[len(self.scene.again) % 2 - 1], False
        for run in filter(promises.may_run_again, self.scene.failed):
            self._run_again(run, "olivia")
            self.no_promise_is_broken()
            self.carry_on()

    def _come_to_rest(self) -> None:
        for _ in range(LOOKS_AT_MOST):
            self.world.crew.work(turns=50)
            self.no_promise_is_broken()
            if self.next_wake() >= NEVER:
                return
            for step in promises.unended_children():
                self._settle(step, "fail")
            self.world.move(self.next_wake())
        self.fail("rest", "the runs do not come to rest")


def tell_stories(world: World, kind: Kind, how: settings) -> None:
    """Raises the first Breach that is found."""
    # It takes whatever makes a machine; its signature says a class.
    made = cast(type[Story], partial(Story, world, kind))
    with override_settings(MOST_RUNNING=kind.running, MOST_BLOCKED=kind.blocked):
        run_state_machine_as_test(made, settings=how)

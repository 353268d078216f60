"""What is watched while workers write and call: a breach of a promise is noted by its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from executions import aws, clock
from executions.models import Execution, StepExecution
from executions.store import Change, Lease
from tests.model.workers import Worker

Attempt: TypeAlias = tuple[UUID, int]  # a step's row, and which attempt
NOBODY: Final = (UUID(int=0), 0)
CALL_AND_QUIET: Final = timedelta(seconds=90)  # docs/operations.md


class Breach(AssertionError):
    """A promise is broken: `name` is the invariant's."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that a worker has announced, and may make now."""

    attempt: Attempt
    effect: str
    sha256: str


@dataclass(slots=True)
class Judge:
    """What it has seen of the workers, and what was wrong with it."""

    breaches: list[Breach] = field(default_factory=list)
    holders: dict[UUID, tuple[str, int, datetime]] = field(default_factory=dict)
    deadlines: dict[Attempt, datetime] = field(default_factory=dict)
    adopted: set[UUID] = field(default_factory=set)  # rows whose time a person has extended
    rerun: Counter[UUID] = field(default_factory=Counter)  # rows, by how often a person said so
    effects: Counter[Attempt] = field(default_factory=Counter)  # of unproven calls, or perhaps
    announced: set[Attempt] = field(default_factory=set)
    called_for: set[UUID] = field(default_factory=set)  # rows with a call that has reached AWS
    approvals: dict[UUID, set[str]] = field(default_factory=dict)  # of a row, and by whom
    doubted: set[Attempt] = field(default_factory=set)
    tokens: dict[str, Attempt] = field(default_factory=dict)

    def breach(self, name: str, text: str) -> None:
        """Note it; a worker would swallow an exception, so the machine raises it."""
        self.breaches.append(Breach(name, text))

    def claimed(self, worker: Worker, execution: Execution) -> None:
        """A lease is taken by one at a time, each time with a greater number."""
        now = clock.now()
        holder, epoch, until = self.holders.get(execution.id, ("", 0, now))
        if execution.epoch <= epoch:
            self.breach("epoch", f"{worker.name} has epoch {execution.epoch} after {epoch}")
        if now < until:
            self.breach("lease", f"{worker.name} took what {holder} holds until {until}")
        self.holders[execution.id] = (worker.name, execution.epoch, execution.lease_until)
        worker.claimed = (execution.id, execution.epoch)

    def wrote(self, worker: Worker, lease: Lease, change: Change) -> None:
        """A write was accepted."""
        holder, epoch, until = self.holders[lease.execution_id]
        if (holder, epoch) != (worker.name, lease.epoch):
            self.breach("fence", f"{worker.name} ({lease.epoch}) wrote; {holder} holds {epoch}")
        until = clock.now() if change.release else change.lease_until or until
        self.holders[lease.execution_id] = (holder, epoch, until)
        kinds = {event.kind: event for event in change.events}
        for row in change.steps:
            self._watch_deadline(row)
            if "step:call" in kinds and row.phase == StepExecution.Phase.CALL:
                self._announce(worker, row, kinds["step:call"].data["sha256"])
            if "step:unknown" in kinds and row.phase == StepExecution.Phase.UNKNOWN:
                self._asked(row)

    def _watch_deadline(self, row: StepExecution) -> None:
        """A deadline is a moment: the same one for as long as the attempt lasts."""
        if row.deadline_at is None or row.id in self.adopted:
            return
        first = self.deadlines.setdefault((row.id, row.attempt), row.deadline_at)
        if row.deadline_at != first:
            self.breach("deadline", f"that of {row.name} was {first}, and is {row.deadline_at}")

    def _announce(self, worker: Worker, row: StepExecution, sha256: str) -> None:
        attempt = (row.id, row.attempt)
        is_late = row.deadline_at is not None and clock.now() >= row.deadline_at
        if is_late and attempt not in self.announced:  # to ask again what became of it is right
            self.breach("late", f"{row.name} was called after its deadline, {row.deadline_at}")
        self.announced.add(attempt)
        worker.call = Intent(attempt, (row.call or {})["effect"], sha256)

    def _asked(self, row: StepExecution) -> None:
        """A person is asked only when no call can arrive any more."""
        call = row.call or {}
        quiet = datetime.fromisoformat(call["at"]) + CALL_AND_QUIET
        if call["effect"] == aws.Effect.UNPROVEN and clock.now() < quiet:
            self.breach("quiet", f"{row.name} was asked about before {quiet}")

    def called(
        self, worker: Worker, target: aws.Operation, request: Mapping[str, Any], sha256: str
    ) -> Attempt:
        """A call reaches AWS: it was announced, with these bytes, and with its own token."""
        intent = worker.call
        fits = intent is not None and intent.sha256 == sha256
        if target.effect == aws.Effect.READ and not fits:
            return NOBODY  # a look at things, such as for those who approve
        worker.call = None
        if intent is None or not fits:
            self.breach("intent", f"{target.name} was called, and {intent} was announced")
            return NOBODY
        attempt: Attempt = intent.attempt
        self.called_for.add(attempt[0])
        if target.token_member:
            self._check_token(request[target.token_member], attempt)
        if target.effect == aws.Effect.UNPROVEN:
            self._check_earlier(target, attempt)
        return attempt

    def _check_token(self, token: str, attempt: Attempt) -> None:
        """One token for each attempt, and one attempt for each token."""
        before = next((known for known, of in self.tokens.items() if of == attempt), token)
        if self.tokens.setdefault(token, attempt) != attempt or before != token:
            self.breach("token", f"{attempt} is sent with {token}, another time with {before}")

    def _check_earlier(self, target: aws.Operation, attempt: Attempt) -> None:
        """No attempt follows one of which nobody knows, unless a person wants that."""
        row, number = attempt
        if (row, number - 1) in self.doubted and not self.rerun[row]:
            self.breach("unknown", f"{target.name} is tried again, and the last may have worked")

    def took_effect(self, target: aws.Operation, attempt: Attempt, *, doubted: bool) -> None:
        """It did, or may have."""
        if target.effect != aws.Effect.UNPROVEN:
            return
        self.effects[attempt] += 1
        if doubted:
            self.doubted.add(attempt)
        if self.effects[attempt] > 1:
            self.breach("effect", f"a second {target.name} for one attempt")

"""One world at a time: people, rows, a clock, bells, and an AWS that has its moods."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import pytest
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from approvals.models import ApprovalRequest, Approver, Decision
from console.iam.models import Policy, User
from executions import aws, calls, jobs, lifecycle, queue, store
from executions.models import (
    Document,
    DocumentVersion,
    Event,
    Execution,
    JournalEntry,
    Signal,
    StepExecution,
    rows,
)
from tests.approvals.people import make_person
from tests.conftest import HandClock
from tests.engine.runs import REGION, make_version
from tests.model.documents import VARIABLES, Plan
from tests.model.judge import Judge
from tests.model.workers import Crew

ROWS: Final = (
    *(Decision, Approver, ApprovalRequest, Signal, Event, JournalEntry),
    *(StepExecution, Execution, DocumentVersion, Document),
)
FAULTS: Final = {
    "throttled": aws.Throttled("Rate exceeded", "ThrottlingException"),
    "not sent": aws.NotSent("no route"),
    "refused": aws.AwsRefused("no", "ValidationException"),
    "reset before the effect": aws.OutcomeUnknown("connection reset"),
    "reset after the effect": aws.OutcomeUnknown("connection reset"),
    "500 after the effect": aws.OutcomeUnknown("internal error", "InternalFailure"),
}


class World:
    """Made once for a test; `begin_anew` before each story."""

    def __init__(
        self, hand: HandClock, patch: pytest.MonkeyPatch, rights: Mapping[str, tuple[str, ...]]
    ) -> None:
        self.hand = hand
        self.noon = hand.now
        self.crew = Crew(patch)
        self.people = {name: make_person(name, *actions) for name, actions in rights.items()}
        self.without_rights: set[str] = set()
        self._committed: Callable[[], None] | None = None
        self.begin_anew()
        self._stand_around(patch)

    def begin_anew(self) -> None:
        """Nothing has happened yet."""
        self.crew.reset()
        self.judge = Judge()
        self.faults: list[str] = []  # of the next calls
        self.state = "a"  # of what the steps look at
        self.refuses = False  # to terminate anything
        self.bells = 0
        self.fenced = 0
        for name in self.without_rights:
            self.people[name].principals.get().policies.set(Policy.objects.filter(name=f"{name}'s"))
        self.without_rights.clear()
        self.hand.now = self.noon
        with transaction.atomic(), connection.cursor() as cursor:
            for model in ROWS:
                cursor.execute(f"DELETE FROM {rows.table(model)}")  # noqa: S608 - our own names

    def person(self, name: str) -> User:
        """The person as the next request finds them."""
        return User.objects.get(pk=self.people[name].pk)

    def start(self, plan: Plan, token: str | None = None) -> Execution:
        """olivia saves a runbook, with those that it runs, and starts it."""
        text = json.dumps(plan.steps)
        for name, steps in plan.children.items():
            child = make_version(*steps, variables=VARIABLES)
            text = text.replace(name, child.document.name)
        version = make_version(*json.loads(text), variables=VARIABLES)
        self.refuses = plan.fails
        return self.start_version(version, token)

    def start_version(self, version: DocumentVersion, token: str | None) -> Execution:
        """olivia starts it."""
        request = lifecycle.Start(version, REGION, client_token=token)
        return lifecycle.start(request, by=self.person("olivia"))

    def move(self, to: datetime) -> None:
        """The clock never goes back."""
        self.hand.now = max(self.hand.now, to)

    def call(
        self,
        identity: aws.Identity,
        region: str,
        target: aws.Operation,
        request: Mapping[str, Any],
    ) -> dict[str, Any]:
        """AWS."""
        assert not connection.in_atomic_block, "a call inside a transaction"
        worker = self.crew.acts
        assert worker is not None
        attempt = self.judge.called(worker, target, request, calls.fingerprint(request))
        refused = self.refuses and target.name == "TerminateInstances"
        mood = self.faults.pop(0) if self.faults else "refused" if refused else ""
        if mood not in {"throttled", "not sent", "refused"}:
            self.judge.took_effect(target, attempt, doubted=bool(mood))
        if mood:
            raise FAULTS[mood]
        return {"DescribeInstances": {"Reservations": []}}.get(target.name, {"State": self.state})

    def _stand_around(self, patch: pytest.MonkeyPatch) -> None:
        """Between the engine and its database, its queue, and AWS."""
        claim, write, commit = store.claim, store.write, BaseDatabaseWrapper.commit
        patch.setattr(store, "claim", lambda: self._claim(claim))
        patch.setattr(store, "write", lambda lease, change: self._write(write, lease, change))
        patch.setattr(BaseDatabaseWrapper, "commit", lambda wrapper: self._commit(commit, wrapper))
        patch.setattr("executions.aws.call", self._call)
        patch.setattr(queue, "_ring", self.ring)
        patch.setattr(jobs, "logger", self)

    def _claim(self, claim: Callable[[], Execution | None]) -> Execution | None:
        worker = self.crew.acts
        assert worker is not None
        if worker.turns == 0:
            return None
        worker.turns -= 1
        if execution := claim():
            self.judge.claimed(worker, execution)
            worker.point("after claim")
        return execution

    def _write(self, write: Callable[..., str], lease: store.Lease, change: store.Change) -> str:
        worker = self.crew.acts
        assert worker is not None
        worker.point("before write")
        # Seen at the commit itself, since the worker may die right after it.
        self._committed = lambda: self.judge.wrote(worker, lease, change)
        try:
            stop = write(lease, change)
        finally:
            self._committed = None
        worker.point("after write")
        return stop

    def _commit(self, commit: Callable[..., None], wrapper: BaseDatabaseWrapper) -> None:
        """As a database does it whose client may be gone."""
        try:
            self.crew.point("before commit")
        except BaseException:
            wrapper.connection.rollback()
            raise
        commit(wrapper)
        if self._committed is not None:
            self._committed()
        self.crew.point("after commit")

    def _call(self, *args: Any) -> dict[str, Any]:
        self.crew.point("before call")
        try:
            return self.call(*args)
        finally:
            self.crew.point("after call")

    def ring(self) -> None:
        """A bell; it carries nothing."""
        self.bells += 1

    def warning(self, text: str, *about: object) -> None:
        """A worker says that it was fenced, or that the database is gone."""
        self.fenced += "taken over" in text
        if "taken over" not in text:
            self.judge.breach("database", text % about)

    def exception(self, text: str, *about: object) -> None:
        """A worker says that a turn broke off: the engine has an error."""
        self.judge.breach("broken", f"{text % about}\n{traceback.format_exc()}")

"""Starting runs as a person does, and doing the work of all workers by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from console.iam.models import User
from executions import clock, jobs, lifecycle, redrive
from executions.models import Document, DocumentVersion, Event, Execution, StepExecution
from executions.states import NEVER
from tests.conftest import HandClock

ACCOUNT, REGION = "111122223333", "eu-west-1"
WORKER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/CountersignExecution"
TURNS_AT_MOST = 500


def make_version(*steps: Mapping[str, Any], **document: Any) -> DocumentVersion:
    """A document's first version, saved without a look at what it says."""
    content = json.dumps({"schemaVersion": "0.3", **document, "mainSteps": steps})
    saved = Document.objects.create(owner=ACCOUNT, name=f"Doc-{Document.objects.count()}")
    digest = hashlib.sha256(content.encode()).hexdigest()
    return DocumentVersion.objects.create(
        document=saved, number=1, content=content, format="JSON", sha256=digest
    )


class Runs:
    """A clock, a person who may start and stop, and the work that is due."""

    def __init__(self, hand: HandClock, person: User) -> None:
        self.hand = hand
        self.person = person

    def start(
        self,
        *steps: Mapping[str, Any],
        values: Mapping[str, Sequence[str]] | None = None,
        **document: Any,
    ) -> Execution:
        """Accepted, and not begun; `values` are the parameters given."""
        version = make_version(*steps, **document)
        return lifecycle.start(lifecycle.Start(version, REGION, values or {}), by=self.person)

    def run(self, *steps: Mapping[str, Any], **more: Any) -> Execution:
        """Started, and carried on until nothing will happen by itself."""
        execution = self.start(*steps, **more)
        self.drain()
        return fresh(execution)

    def again(self, execution: Execution) -> Execution:
        """Run it again, and carry that on until nothing will happen by itself."""
        made = redrive.start(execution.pk, by=self.person)
        self.drain()
        return fresh(made)

    def work(self) -> None:
        """Do all that is due now, as a worker does."""
        jobs.drain()

    def drain(self) -> None:
        """Do all that is due, jump to when the next is, and so on until nothing is."""
        for _ in range(TURNS_AT_MOST):
            self.work()
            wake_at = next_wake()
            if wake_at >= NEVER:
                return
            self.hand.now = max(self.hand.now, wake_at)
        raise AssertionError("the runs do not come to rest")

    def stop(self, execution: Execution) -> None:
        """Cancel it as the person who started it."""
        lifecycle.stop(fresh(execution), by=self.person)


def next_wake() -> datetime:
    """When the next execution may be claimed."""
    rows = Execution.objects.filter(wake_at__lt=NEVER)
    due = [max(row.wake_at, row.lease_until) for row in rows.only("wake_at", "lease_until")]
    return min(due, default=NEVER)


def fresh(execution: Execution) -> Execution:
    """The execution as the database has it."""
    return Execution.objects.get(pk=execution.pk)


def step(execution: Execution, name: str) -> StepExecution:
    """The last row of that step."""
    return execution.steps.filter(name=name).latest("number")


def statuses(execution: Execution) -> dict[str, str]:
    """Step name to status, of the steps that began."""
    return dict(execution.steps.order_by("number").values_list("name", "status"))


def told(execution: Execution) -> list[str]:
    """The events as words, such as `step:started a`."""
    return [str(event) for event in Event.objects.filter(execution=execution)]


def kept(execution: Execution) -> list[str]:
    """The steps that it did not do, since it runs another one again."""
    return [row.name for row in execution.steps.exclude(kept_from=None)]


def is_idle(execution: Execution) -> bool:
    """Whether no worker holds it, and none will look again by itself."""
    row = fresh(execution)
    return row.lease_owner == "" and row.wake_at == NEVER and row.lease_until <= clock.now()

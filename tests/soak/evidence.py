"""What the database says at the end of a soak, as the judgement takes it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from approvals.models import ApprovalRequest
from executions import clock
from executions.models import Event, Execution, StepExecution
from executions.states import TERMINAL, Slot
from tests.soak.promises import ENDS, Deed, Run

DOUBT = "may have taken effect"  # in the message of a step of which nobody can know
Key = tuple[str, str]


def runs(*, top: bool = True) -> dict[str, Run]:
    """The executions by id: those that people started, or all."""
    asked = set(ApprovalRequest.objects.pending().values_list("execution_id", flat=True))
    open_steps = StepExecution.objects.unfinished()
    paused = set(
        open_steps.filter(action="aws:pause", phase="wait").values_list("execution_id", flat=True)
    )
    unknown = set(open_steps.filter(phase="unknown").values_list("execution_id", flat=True))
    waits: dict[UUID, str] = {
        **dict.fromkeys(asked, "approval"),
        **dict.fromkeys(paused, "resume"),
        **dict.fromkeys(unknown, "verdict"),
    }
    found = Execution.objects.filter(parent=None) if top else Execution.objects.all()
    return {
        str(key): Run(status, waits.get(key, ""))
        for key, status in found.values_list("pk", "status")
    }


def count_open(ignored: Collection[str]) -> int:
    """How many executions have not ended, but for those whose requests nobody answers."""
    return sum(run.status not in ENDS for key, run in runs(top=False).items() if key not in ignored)


def deeds() -> Iterator[Deed]:
    """The steps that are to change something, and how often each may have done that."""
    for step in StepExecution.objects.exclude(call=None).order_by("execution", "number"):
        call = step.call or {}
        if call["effect"] == "read" or call["operation"] == "CreateTags":
            continue
        operation = call["operation"]
        run = str(step.execution_id)
        yield Deed(
            run,
            step.name,
            call["request"].get("Message") or f"{run} {operation}",
            step.status,
            step.attempt,
            is_shown=operation in {"Publish", "CreateVolume"},
            doubted=DOUBT in step.failure_message,
        )


def announced() -> set[Key]:
    """Run and hash of every call that was announced."""
    events = Event.objects.filter(kind="step:call").values_list("execution_id", "data__sha256")
    return {(str(run), sha256) for run, sha256 in events}


def count_events(**kind: str) -> int:
    """How much was told, of a kind or of all."""
    return Event.objects.filter(**kind).count()


@dataclass(slots=True)
class Watch:
    """What can be seen only while it goes on: how many runs there are at what time, and how long
    those of lost workers wait for another one."""

    in_progress: Counter[str] = field(default_factory=Counter)  # blows while runs were worked on
    takeovers: list[float] = field(default_factory=list)  # seconds
    most_queued: int = 0
    _lost: dict[UUID, tuple[int, float]] = field(default_factory=dict)

    def before(self, deed: str) -> None:
        """Note whether a worker holds a run now."""
        held = Execution.objects.exclude(lease_owner="").filter(lease_until__gt=clock.now())
        self.in_progress[deed] += held.exists()

    def lost(self, process: int) -> None:
        """Note the runs that the worker of this process holds, just after it was killed."""
        now = time.monotonic()
        held = Execution.objects.filter(lease_owner__contains=f"-{process}-")
        self._lost |= {run: (epoch, now) for run, epoch in held.values_list("pk", "epoch")}

    def look(self) -> None:
        """Note which of them somebody has taken, and how many runs wait for a slot."""
        rows = Execution.objects.filter(pk__in=self._lost).values_list("pk", "epoch", "status")
        for run, epoch, status in rows:
            before, since = self._lost[run]
            if epoch > before or status in TERMINAL:
                self.takeovers.append(time.monotonic() - since)
                del self._lost[run]
        queued = Execution.objects.filter(slot=Slot.QUEUED).count()
        self.most_queued = max(self.most_queued, queued)

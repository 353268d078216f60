"""People and programs that start, approve, resume, cancel and settle, while the monkey is there."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

import django.db
from django.db import connections

from approvals import decisions
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import clock, lifecycle, signals
from executions.errors import Refused
from executions.models import DocumentVersion, Execution, StepExecution
from executions.states import ACTIVE
from tests.engine.runs import REGION, make_version
from tests.soak.mix import APPROVER, CHILD, KINDS

STARTS: Final = 3.0  # in a second, whatever becomes of them
ROUND: Final = 0.2  # seconds from one look to the next
REJECTS, CANCELS = 0.1, 0.05
IGNORED: Final = 2  # so many requests for approval are never answered
THINKS: Final = 2.0  # seconds after which somebody settles an unknown outcome
STARTER: Final = "olivia"
T = TypeVar("T")


@dataclass(slots=True)
class Wish:
    """A start that was decided on; sent with the same token until it is answered."""

    token: str
    kind: str
    parameters: Mapping[str, list[str]]
    cancel_after: float | None = None


@dataclass(slots=True)
class Crowd:
    """Everybody; `saw_effect` asks AWS whether a text was published."""

    seed: int
    instances: list[str]  # that no run has
    saw_effect: Callable[[str], bool]
    accepted: dict[str, str] = field(default_factory=dict)  # run -> the instance it has, or ""
    refused: Counter[str] = field(default_factory=Counter)  # starts, by AWS's name of the reason
    done: Counter[str] = field(default_factory=Counter)
    closing: threading.Event = field(default_factory=threading.Event)  # no more starts
    leaving: threading.Event = field(default_factory=threading.Event)
    ignored: set[str] = field(default_factory=set)  # runs whose requests nobody answers
    _wishes: list[Wish] = field(default_factory=list)
    _cancels: list[tuple[float, str]] = field(default_factory=list)
    _versions: dict[str, DocumentVersion] = field(default_factory=dict)
    _people: dict[str, User] = field(default_factory=dict)

    @property
    def is_sending(self) -> bool:
        """Whether there are wishes that nobody has answered."""
        return bool(self._wishes)

    def prepare(self) -> None:
        """Write the runbooks."""
        self._people = {name: User.objects.get(username=name) for name in (STARTER, APPROVER)}
        for name, kind in KINDS.items():
            steps = [_naming_child(step, self._versions) for step in kind.steps]
            parameters = {"InstanceId": {"type": "String"}} if kind.needs_instance else {}
            self._versions[name] = make_version(*steps, parameters=parameters)

    def start(self) -> None:
        """An open loop: wishes come at a fixed rate, and are repeated until they are answered."""
        began, wishes = time.monotonic(), self._wish()
        while self._wishes or not self.closing.is_set():
            due = 0 if self.closing.is_set() else int((time.monotonic() - began) * STARTS)
            while self.done["wish"] < due:
                self.done["wish"] += 1
                self._wishes.append(next(wishes))
            patiently(self._send)
            if self.leaving.wait(ROUND):
                break
        connections.close_all()

    def live(self) -> None:
        """Decide, resume, cancel and settle what there is, again and again."""
        chance = Random(f"{self.seed} people")  # noqa: S311 - no secret
        while not self.leaving.wait(ROUND):
            for act in (self._approve, self._resume, self._cancel, self._settle, self._return):
                patiently(partial(act, chance))
        connections.close_all()

    def _wish(self) -> Iterator[Wish]:
        """What is started next: by chance, of the mix."""
        chance = Random(f"{self.seed} starts")  # noqa: S311 - no secret
        names, shares = list(KINDS), [kind.share for kind in KINDS.values()]
        while True:
            (kind,) = chance.choices(names, shares)
            token = str(UUID(int=chance.getrandbits(128), version=4))
            cancel = chance.uniform(0.1, 3) if chance.random() < CANCELS else None
            if KINDS[kind].needs_instance and not self.instances:
                kind = "short"
            needs = KINDS[kind].needs_instance
            parameters = {"InstanceId": [self.instances.pop(0)]} if needs else {}
            yield Wish(token, kind, parameters, cancel)

    def _send(self) -> None:
        """Every wish that was not answered yet."""
        while self._wishes:
            wish = self._wishes[0]
            request = lifecycle.Start(
                self._versions[wish.kind], REGION, wish.parameters, client_token=wish.token
            )
            try:
                run = lifecycle.start(request, by=self._people[STARTER])
            except Refused as refusal:
                self.refused[refusal.code] += 1
                self.instances += wish.parameters.get("InstanceId", [])
            else:
                self.accepted[str(run.pk)] = wish.parameters.get("InstanceId", [""])[0]
                if wish.cancel_after is not None:
                    self._cancels.append((time.monotonic() + wish.cancel_after, str(run.pk)))
            self._wishes.pop(0)

    def _approve(self, chance: Random) -> None:
        for request in ApprovalRequest.objects.pending().exclude(execution__in=self.ignored):
            if len(self.ignored) < IGNORED:
                self.ignored.add(str(request.execution_id))
                continue
            verdict = "Reject" if chance.random() < REJECTS else "Approve"
            self._act(verdict, decisions.decide, request.pk, by=APPROVER, verdict=verdict)

    def _resume(self, chance: Random) -> None:
        waiting = StepExecution.objects.filter(action="aws:pause", phase="wait")
        for step in waiting.select_related("execution"):
            self._act("resume", signals.send, step.execution, "Resume", step.name)

    def _cancel(self, chance: Random) -> None:
        due = [pair for pair in self._cancels if pair[0] <= time.monotonic()]
        for pair in due:
            self._act("cancel", lifecycle.stop, Execution.objects.get(pk=pair[1]))
            self._cancels.remove(pair)

    def _settle(self, chance: Random) -> None:
        """Look at AWS, and say what is true; what AWS does not show is made again."""
        for step in StepExecution.objects.filter(phase="unknown").select_related("execution"):
            since = datetime.fromisoformat((step.unknown or {})["since"])
            if (clock.now() - since).total_seconds() < THINKS:
                continue
            message = str((step.call or {}).get("request", {}).get("Message", ""))
            if message and self.saw_effect(message):
                verdict = "adopt"
            else:
                verdict = chance.choice(("fail", "rerun")) if message else "rerun"
            self._act(verdict, signals.settle_unknown, step, verdict, comment="A soak.")

    def _return(self, chance: Random) -> None:
        """Instances of runs that have ended are free again."""
        held = [run for run, instance in list(self.accepted.items()) if instance]
        active = Execution.objects.filter(pk__in=held, status__in=ACTIVE)
        for run in set(held) - {str(pk) for pk in active.values_list("pk", flat=True)}:
            self.instances.append(self.accepted[run])
            self.accepted[run] = ""

    def _act(self, name: str, act: Callable[..., Any], *args: Any, **more: Any) -> None:
        """As a person; that something else came first is no trouble."""
        person = self._people[more.pop("by", STARTER)]
        try:
            act(*args, by=person, **more)
        except Refused:
            self.done[f"{name} refused"] += 1
        else:
            self.done[name] += 1


def _naming_child(step: Any, versions: Mapping[str, DocumentVersion]) -> Any:
    """The step with the name that the child's runbook was given, if it starts one."""
    if step["inputs"].get("DocumentName") != CHILD:
        return step
    name = versions[CHILD].document.name
    return {**step, "inputs": {**step["inputs"], "DocumentName": name}}


def patiently(act: Callable[[], T]) -> T | None:
    """What it answers, or None while the database is away."""
    try:
        return act()
    except django.db.Error:
        connections.close_all()
        return None

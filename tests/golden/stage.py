"""Plays a golden case on the real engine, against an AWS, a web and people of this process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from approvals import decisions
from approvals.models import ApprovalRequest
from console.api import shapes
from console.iam.models import User
from executions import aws, egress, lifecycle, signals
from executions.models import Document, DocumentVersion, Execution
from executions.runbook.convert import to_plain
from executions.runbook.types import Format
from tests.engine.fake_aws import Answer, FakeAws, Seen
from tests.engine.runs import ACCOUNT, REGION, Runs, fresh
from tests.golden.cases import Case

READS: Final = ("Describe", "Get", "List")
SIGNALS: Final = {"resume": "Resume", "begin": "StartStep"}
VERDICTS: Final = {"approve": "Approve", "reject": "Reject"}
TROUBLE: Final = {"busy": aws.Throttled, "lost": aws.OutcomeUnknown, "unsent": aws.NotSent}


@dataclass
class Stage:
    """Where cases are played."""

    runs: Runs
    fake: FakeAws
    people: Mapping[str, User]
    web: list[egress.Answer] = field(default_factory=list)
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def play(self, case: Case) -> Execution:
        """Start the case's run, let happen what has to happen, and carry it on to its end."""
        for operation, answers in (case.aws or {}).items():
            given = answers if isinstance(answers, list) else [answers]
            self.fake.on(operation, *(read_answer(one) for one in given))
        self.web = [egress.Answer(*one) for one in case.web or []]
        for name, text in (case.documents or {}).items():
            _save(name, text)
        version = _save("Golden", case.document, case.format)
        request = lifecycle.Start(version, REGION, case.given or {}, mode=case.mode)
        run = lifecycle.start(request, by=self.runs.person)
        for deed in case.then or []:
            self.runs.work()
            for kind, value in deed.items():
                self._do(run, kind, value)
        if case.stays:
            self.runs.work()
        else:
            self.runs.drain()
        return fresh(run)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> egress.Answer:
        """What the web answers."""
        self.posted.append((url, dict(headers), body))
        return self.web.pop(0)

    def _do(self, run: Execution, kind: str, value: Any) -> None:
        if kind == "wait":
            self.runs.hand.move(seconds=value)
            self.runs.work()
        elif kind == "stop":
            lifecycle.stop(fresh(run), by=self.runs.person, kind=value)
        elif kind in SIGNALS:
            signals.send(fresh(run), SIGNALS[kind], value, by=self.runs.person)
        else:
            waiting = ApprovalRequest.objects.filter(status="Pending").get()
            decisions.decide(
                waiting.pk, by=self.people[value], verdict=VERDICTS[kind], comment="seen"
            )


def _save(name: str, content: str, fmt: Format = "YAML") -> DocumentVersion:
    document = Document.objects.create(owner=ACCOUNT, name=name, latest_version=1)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return DocumentVersion.objects.create(
        document=document, number=1, content=content, format=fmt, sha256=digest
    )


def read_answer(written: Any) -> Answer:
    """An answer of AWS as a case writes it."""
    if set(written) == {"error", "says"}:
        return aws.AwsRefused(written["says"], written["error"])
    for word, trouble in TROUBLE.items():
        if set(written) == {word}:
            return trouble(written[word])
    answer: dict[str, Any] = to_plain(written)  # as executions.aws does it
    return answer


def show(run: Execution) -> list[dict[str, Any]]:
    """The steps as the API shows them."""
    return shapes.step_executions(run)


def calls(fake: FakeAws, *, reads: bool) -> list[Seen]:
    """The calls that only look, each kind once in a row, or those that may change something."""
    chosen = [seen for seen in fake.calls if seen.operation.startswith(READS) == reads]
    if not reads:
        return chosen
    pairs = zip(chosen, [None, *chosen], strict=False)
    return [
        seen
        for seen, before in pairs
        if before is None or (seen.operation, seen.request) != (before.operation, before.request)
    ]

"""An AWS in this process: it notes every call and answers from a table or a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from executions import aws, clock

Answer: TypeAlias = dict[str, Any] | Exception | Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A call as AWS saw it."""

    identity: aws.Identity
    region: str
    operation: str
    request: dict[str, Any]
    at: datetime


class FakeAws:
    """Stands in the place of `executions.aws.call`; an operation without an answer gets {}."""

    def __init__(self) -> None:
        self.calls: list[Seen] = []
        self.answers: dict[str, list[Answer]] = {}

    def on(self, operation: str, *answers: Answer) -> None:
        """Answer an operation with these, one after the other; the last one stays."""
        self.answers[operation] = list(answers)

    def call(
        self,
        identity: aws.Identity,
        region: str,
        target: aws.Operation,
        request: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Take a call."""
        self.calls.append(Seen(identity, region, target.name, dict(request), clock.now()))
        answers = self.answers.get(target.name, [{}])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    def made(self, operation: str) -> list[Seen]:
        """The calls of one operation."""
        return [seen for seen in self.calls if seen.operation == operation]

    @property
    def operations(self) -> list[str]:
        """What was called, in order."""
        return [seen.operation for seen in self.calls]

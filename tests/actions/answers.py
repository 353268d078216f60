"""An AWS that answers reads from a table, for tests of single actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from executions.actions.base import CallFailed, StepContext

MakeContext: TypeAlias = Callable[..., StepContext]
Answer: TypeAlias = dict[str, Any] | CallFailed


class Answers:
    """`Answers(DescribeImages=[…])`: one after the other, the last one stays."""

    def __init__(self, **answers: Answer | Sequence[Answer]) -> None:
        self.answers = {
            name: list(given) if isinstance(given, Sequence) else [given]
            for name, given in answers.items()
        }
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def read(self, service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        """Answer, or refuse."""
        self.asked.append((f"{service}:{operation}", request))
        left = self.answers[operation]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, CallFailed):
            raise answer
        return answer


DENIED = CallFailed("UnauthorizedOperation", "You are not authorized")

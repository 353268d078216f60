"""Client tokens: the same call again gives the first one's answer, where AWS promises that.

"Ensuring idempotency in Amazon EC2 API requests"; ClientRequestToken of CloudFormation's
operations. RunInstances has its own memory, since its answer shows the instances as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from console.simulator.answers import Answer, RefusedError
from console.simulator.wire import AwsRequest

# What the service says of a token that came with other parameters before.
MISMATCH: Final = {
    "ec2": (
        "IdempotentParameterMismatch",
        "Arguments on this idempotent request are inconsistent with arguments used in previous "
        "request(s).",
    ),
    "cloudformation": (
        "TokenAlreadyExistsException",
        "A client request token already exists, for a request with other parameters.",
    ),
}
IDEMPOTENT: Final = frozenset(
    {
        *(("ec2", "CopyImage"), ("ec2", "CreateVolume"), ("ec2", "CreateLaunchTemplate")),
        *(("cloudformation", "CreateStack"), ("cloudformation", "UpdateStack")),
        *(("cloudformation", "DeleteStack"), ("cloudformation", "ExecuteChangeSet")),
    }
)


class Tokens:
    """Remembers the answers of calls that succeeded. Callers hold the simulator's lock."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], tuple[list[tuple[str, str]], Answer]] = {}

    def answer(self, request: AwsRequest, account: str, act: Callable[[], Answer]) -> Answer:
        """What `act` answers, or has answered to this token; RefusedError for another request."""
        token = request.client_token
        if token is None or (request.service, request.operation) not in IDEMPOTENT:
            return act()
        key = (account, request.region, request.service, request.operation, token)
        content = sorted(parse_qsl(request.body.decode("utf-8", errors="replace")))
        if key in self._answers:
            known, answer = self._answers[key]
            if known != content:
                raise RefusedError(*MISMATCH[request.service])
            return answer
        answer = act()
        if answer.status < 300:
            self._answers[key] = (content, answer)
        return answer

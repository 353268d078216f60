"""Requests without an SDK: signed as somebody, at the moment of the test's clock, into the gate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from console.api import gate
from console.api.sigv4 import Received
from console.iam import keys
from console.iam.models import User
from tests.api.signing import make_request, sign
from tests.conftest import HandClock


class Door:
    """Signs as somebody at the moment of the test's clock, and asks the gate."""

    def __init__(self, user: User, clock: HandClock) -> None:
        assert user.principal
        self.row, self.secret = keys.create(user.principal)
        self.clock = clock

    def sign(
        self, target: str, body: bytes | Mapping[str, Any] = b"{}", **headers: str
    ) -> Received:
        """A request signed now."""
        key = (self.row.key_id, self.secret)
        return sign(make_request(target, body, **headers), key, at=self.clock(), region="eu-west-1")

    def ask(self, target: str, body: bytes | Mapping[str, Any] = b"{}", **headers: str) -> str:
        """The error of a request signed and sent now; empty if it was carried out."""
        return error(self.sign(target, body, **headers))


def error(received: Received, status: int = 400) -> str:
    """AWS's name of the error; empty if there was none."""
    answer = gate.answer(received)
    body = json.loads(answer.body)
    if answer.status == 200:
        return ""
    assert answer.status == status
    assert body["message"]
    return str(body["__type"])

"""Three kinds of people: who starts, who approves, and who has no business here."""

from __future__ import annotations

from typing import Any

import pytest

from approvals.models import ApprovalRequest
from console.iam.models import User
from tests.approvals.people import (
    ACCOUNT,
    DECIDE,
    RUN,
    Ask,
    drain,
    make_execution,
    make_person,
)
from tests.conftest import HandClock


@pytest.fixture
def olivia(db: None) -> User:
    """She starts the runs."""
    return make_person("olivia", *RUN)


@pytest.fixture
def alice(db: None) -> User:
    """An approver."""
    return make_person("alice", *DECIDE)


@pytest.fixture
def bob(db: None) -> User:
    """Another approver."""
    return make_person("bob", *DECIDE)


@pytest.fixture
def carol(db: None) -> User:
    """An approver by her session of a role."""
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/ReleaseManagers/carol"
    return make_person("carol", *DECIDE, arn=arn)


@pytest.fixture
def victor(db: None) -> User:
    """He may look at every run, and decide by his policies, but nobody names him."""
    return make_person("victor", *DECIDE)


@pytest.fixture
def mallory(db: None) -> User:
    """A stranger: signed in, allowed nothing."""
    return make_person("mallory")


@pytest.fixture
def ask(olivia: User, hand_clock: HandClock) -> Ask:
    """A factory of requests that wait: `ask("alice", "bob", required=2, maxAttempts=2)`."""

    def make(*approvers: str, required: int = 1, message: str = "", **step: Any) -> ApprovalRequest:
        inputs = {
            "Approvers": list(approvers),
            "MinRequiredApprovals": required,
            "Message": message,
        }
        execution = make_execution(olivia, inputs=inputs, **step)
        drain()
        return ApprovalRequest.objects.get(execution=execution)

    return make

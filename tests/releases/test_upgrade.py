"""Runs that waited when an earlier release was stopped end as they would have ended there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_DNS

import pytest
from django.core.management import call_command

from approvals import facts
from approvals.models import ApprovalRequest
from executions import turn
from executions.actions import registry
from executions.models import Execution, StepExecution
from tests.engine.runs import Runs
from tests.releases import waiting
from tests.releases.conftest import SNAPSHOTS, Snapshot, of_sqlite
from tests.releases.people import carry_on
from tests.releases.slow_aws import SlowAws

pytestmark = [pytest.mark.race]
# Their steps end in the turn in which they begin, or wait for a script on a host's disk.
NEVER_WAIT = {
    "aws:assertAwsResourceProperty",
    "aws:branch",
    "aws:createTags",
    "aws:executeScript",
    "aws:invokeLambdaFunction",
    "aws:invokeWebhook",
    "aws:updateVariable",
}


def find(name: str) -> StepExecution:
    """The first step of the run of that runbook."""
    return StepExecution.objects.get(execution__document_name=name, number=1)


def test_there_is_an_earlier_release() -> None:
    assert "0.1" in {path.stem for path in SNAPSHOTS}


def test_they_end_as_they_would_have(
    snapshot: Snapshot, upgrade: Callable[[], Runs], world: SlowAws
) -> None:
    runs = upgrade()
    call_command("verify_history")
    check_asked()
    assert carry_on(runs, world) == snapshot["ends"]
    assert not Execution.objects.active().exists()
    call_command("verify_history")
    check_approved()
    check_times()


def check_asked() -> None:
    """What people were asked is what they are asked now; one has approved, one is still to."""
    for request in ApprovalRequest.objects.all():
        assert facts.digest(request.facts) == request.digest
    request = ApprovalRequest.objects.get(execution__document_name="approve-second")
    assert (request.status, request.approved_count) == ("Pending", 1)


def check_approved() -> None:
    """The approval that was given before and the one that was given since were enough."""
    request = ApprovalRequest.objects.get(execution__document_name="approve-second")
    assert (request.status, request.approved_count) == ("Approved", 2)
    assert {one.digest for one in request.decisions.all()} == {request.digest}


def check_times() -> None:
    """Deadlines are moments: neither the restart nor the migration adds to them."""
    slept, asked = find("sleep"), find("approve-expires")
    assert slept.ended_at == slept.started_at + timedelta(days=7, seconds=-1)
    assert asked.ended_at == asked.started_at + timedelta(days=7)


MUTANTS: dict[str, tuple[object, str, Any]] = {
    "keys": (turn, "TOKENS", NAMESPACE_DNS),
    "digest": (facts, "digest", lambda bound: str(sorted(bound))),
}


@pytest.mark.parametrize("put_back", [of_sqlite], ids=["sqlite"], indirect=True)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_release_that_reads_the_rows_otherwise_is_caught(
    snapshot: Snapshot,
    upgrade: Callable[[], Runs],
    world: SlowAws,
    monkeypatch: pytest.MonkeyPatch,
    mutant: str,
) -> None:
    """The control: the comparison above fails for it."""
    runs = upgrade()
    monkeypatch.setattr(*MUTANTS[mutant])
    assert carry_on(runs, world) != snapshot["ends"]


def test_every_action_that_can_wait_is_among_them() -> None:
    """For the next release: an action that is new has to be in its snapshot."""
    steps = [step for run in waiting.WAITING.values() for step in run]
    inner = [step for loop in steps for step in loop["inputs"].get("Steps", ())]
    assert {step["action"] for step in steps + inner} | NEVER_WAIT >= set(registry.actions)

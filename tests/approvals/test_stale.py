"""An approval of something that has changed since lets nothing run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from approvals import decisions
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions.models import Execution, StepExecution
from tests.approvals.people import (
    INSTANCE,
    ROLE,
    Ask,
    drain,
    make_execution,
    step_of,
    take_rights,
    user_arn,
    went_on,
)


def change_document(request: ApprovalRequest) -> None:
    """Write over a version's text, past the rule that it never changes."""
    version = request.execution.version
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE executions_documentversion SET content = %s WHERE id = %s",
            [version.content.replace("nothing", "something"), version.pk],
        )


def change_version(request: ApprovalRequest) -> None:
    """Point the run to another version."""
    other = make_execution(
        request.execution.started_by, inputs=json.loads(request.execution.version.content)
    )
    content = request.execution.version.content
    with connection.cursor() as cursor:
        cursor.execute("UPDATE executions_documentversion SET content = %s", [content])
    Execution.objects.filter(pk=request.execution_id).update(version=other.version)


def change_run(**columns: Any) -> Any:
    """Write over columns of the execution."""
    return lambda request: Execution.objects.filter(pk=request.execution_id).update(**columns)


def change_inputs(**inputs: Any) -> Any:
    """Write over inputs of the step."""

    def change(request: ApprovalRequest) -> None:
        step = step_of(request)
        StepExecution.objects.filter(pk=step.pk).update(inputs={**step.inputs, **inputs})

    return change


def change_facts(request: ApprovalRequest) -> None:
    """Write over what was shown."""
    facts = {**request.facts, "message": "Harmless."}
    ApprovalRequest.objects.update(facts=facts)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (change_document, "document"),
        (change_version, "document"),
        (change_run(values={"InstanceId": ["i-0fedcba9876543210"]}), "parameters"),
        (change_run(role_arn=f"{ROLE}2"), "role"),
        (change_run(region="us-east-1"), "region"),
        (change_run(account_id="444455556666"), "account"),
        (change_run(executed_by=user_arn("ada")), "starter"),
        (change_inputs(Approvers=["alice", "bob"]), "approvers"),
        (change_inputs(Approvers=["alice", "bob"], MinRequiredApprovals=2), "required"),
        (change_inputs(Message="Another one."), "message"),
        (change_facts, "message"),
        (lambda request: ApprovalRequest.objects.update(digest="0" * 64), "the record"),
    ],
)
def test_what_changed_after_the_approval_does_not_run(
    ask: Ask, alice: User, change: Any, named: str
) -> None:
    request = ask("alice", message="Stop it?")
    decisions.decide(request.id, by=alice, verdict="Approve")
    change(request)
    drain()
    step = step_of(request)
    assert step.status == "Failed"
    assert "not what would run now" in step.failure_message
    assert named in step.failure_message
    assert not went_on(request)


def test_targets_are_part_of_what_is_approved(ask: Ask, alice: User) -> None:
    request = ask("alice")
    decisions.decide(request.id, by=alice, verdict="Approve")
    change_run(values={"InstanceId": [INSTANCE, "i-0fedcba9876543210"]})(request)
    drain()
    assert "parameters, steps, targets changed" in step_of(request).failure_message


def test_an_approver_who_lost_the_right_before_it_went_on(ask: Ask, alice: User) -> None:
    request = ask("alice")
    decisions.decide(request.id, by=alice, verdict="Approve")
    take_rights(alice)
    drain()
    assert "Too few approvals count any more" in step_of(request).failure_message
    assert not went_on(request)

"""People, a runbook that asks them, and an engine that runs it here."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from approvals.models import ApprovalRequest
from console.iam.models import Policy, Principal, User
from executions import engine, store
from executions.actions.base import StepContext
from executions.models import Account, Document, DocumentVersion, Execution, StepExecution
from executions.runbook.template import Scope
from executions.runbook.types import Step

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
INSTANCE = "i-0123456789abcdef0"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # when every test begins

READ = ("ssm:GetAutomationExecution", "ssm:DescribeAutomationExecutions")
DECIDE = (*READ, "ssm:SendAutomationSignal")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/CountersignExecution"
RUN = (*DECIDE, "ssm:StopAutomationExecution")

Ask: TypeAlias = Callable[..., ApprovalRequest]


def user_arn(name: str, account: str = ACCOUNT) -> str:
    """The ARN of an IAM user."""
    return f"arn:aws:iam::{account}:user/{name}"


def make_person(name: str, *actions: str, arn: str = "") -> User:
    """A person with one principal, allowed these actions everywhere."""
    person = User.objects.create_user(name)
    principal = Principal.objects.create(arn=arn or user_arn(name), user=person)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    if actions:
        policy = Policy.objects.create(
            name=f"{name}'s", document={"Version": "2012-10-17", "Statement": [statement]}
        )
        principal.policies.add(policy)
    return person


def take_rights(person: User) -> None:
    """Leave the person with no policy at all."""
    for principal in person.principals.all():
        principal.policies.clear()


def make_execution(starter: User, *, inputs: dict[str, Any], **step: Any) -> Execution:
    """A run of a runbook that asks for approval first and then ends."""
    content = {
        "schemaVersion": "0.3",
        "parameters": {"InstanceId": {"type": "StringList"}},
        "mainSteps": [
            {"name": "approve", "action": "aws:approve", "inputs": inputs, **step},
            {
                "name": "afterwards",
                "action": "aws:branch",
                "inputs": {
                    "Choices": [
                        {
                            "NextStep": "afterwards",
                            "Variable": "{{ InstanceId }}",
                            "StringEquals": "nothing",
                        }
                    ]
                },
                "isEnd": True,
            },
        ],
    }
    Account.objects.get_or_create(account_id=ACCOUNT, name="Production", regions=["eu-west-1"])
    document = Document.objects.create(owner=ACCOUNT, name=f"Doc-{Document.objects.count()}")
    version = DocumentVersion.objects.create(
        document=document, number=1, content=json.dumps(content), format="JSON", sha256="0" * 64
    )
    principal = starter.principal
    assert principal is not None
    return Execution.objects.create(
        account_id=ACCOUNT,
        region="eu-west-1",
        version=version,
        document_name=document.name,
        parameters={"InstanceId": [INSTANCE]},
        values={"InstanceId": [INSTANCE]},
        role_arn=ROLE,
        started_by=starter,
        executed_by=principal.arn,
    )


def allow_no_read(service: str, operation: str, /, **request: Any) -> dict[str, Any]:
    """The answer of an AWS that must not be asked."""
    raise AssertionError(f"{service} {operation} {request} was read")


def make_context(**inputs: Any) -> StepContext:
    """A step's context without an engine."""
    return StepContext(
        execution_id=UUID(int=1),
        step_id=UUID(int=2),
        account_id=ACCOUNT,
        region="eu-west-1",
        step=Step(name="approve", action="aws:approve"),
        attempt=1,
        token="",
        now=NOON,
        deadline=NOON + timedelta(days=7),
        inputs=inputs,
        scope=Scope(),
        read=allow_no_read,
        is_read=lambda *_: False,
        poll=lambda: NOON,
    )


def drain() -> None:
    """Do all that is due, as a worker would."""
    while (execution := store.claim()) is not None:
        engine.advance(execution)


def step_of(request: ApprovalRequest) -> StepExecution:
    """The step as it is now."""
    return StepExecution.objects.get(pk=request.step_id)


def run_of(request: ApprovalRequest) -> Execution:
    """The execution as it is now."""
    return Execution.objects.get(pk=request.execution_id)


def went_on(request: ApprovalRequest) -> bool:
    """Whether the step after the approval ran."""
    return request.execution.steps.filter(name="afterwards").exists()

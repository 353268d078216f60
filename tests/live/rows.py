"""The rows that these tests write: people, events and ends."""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction

from console.iam.models import Policy, Principal, User
from executions.events import record
from executions.models import Execution
from executions.states import Status


def make_user(role: str) -> User:
    """A new person who may do everything in SSM as their one principal."""
    name = f"{role}-{uuid4()}"
    user = User.objects.create_user(name)
    everything = {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}
    policy = Policy.objects.create(
        name=f"everything-{name}", document={"Version": "2012-10-17", "Statement": [everything]}
    )
    principal = Principal.objects.create(arn=f"arn:aws:iam::111122223333:user/{name}", user=user)
    principal.policies.add(policy)
    return user


def tell(execution: Execution, count: int = 1, kind: str = "step:waiting") -> None:
    """Commit events, each in a transaction of its own."""
    for _ in range(count):
        with transaction.atomic():
            record(execution.pk, kind)


def finish(execution: Execution) -> None:
    """End the run, with its event."""
    with transaction.atomic():
        Execution.objects.filter(pk=execution.pk).update(status=Status.SUCCESS)
        record(execution.pk, "execution:success")

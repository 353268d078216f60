"""Many people who may decide on one request, the step that asks them, and how not to count them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.models import ApprovalRequest, Decision
from console.iam.models import User
from executions import clock
from executions.errors import Conflict
from tests.approvals.people import ACCOUNT, DECIDE, make_person

ROLE = f"arn:aws:iam::{ACCOUNT}:role/Approvers"
QUORUM = 3


@transaction.atomic
def make_crowd(size: int) -> list[User]:
    """People who share a role, each with a session of their own."""
    sessions = ROLE.replace(":iam:", ":sts:").replace("role/", "assumed-role/")
    return [make_person(f"person-{n}", *DECIDE, arn=f"{sessions}/person-{n}") for n in range(size)]


def asking(required: int) -> dict[str, Any]:
    """The inputs of an aws:approve that waits for so many people of the role."""
    others = [f"other-{n}" for n in range(required - 1)]  # AWS wants as many approvers
    return {"Approvers": [ROLE, *others], "MinRequiredApprovals": required}


def decide_naively(
    request_id: UUID, *, by: User, verdict: str, comment: str = ""
) -> ApprovalRequest:
    """The fault that all this is about: a counter that is read, and then saved."""
    request = ApprovalRequest.objects.get(pk=request_id)
    if request.status != "Pending":
        raise Conflict("This has ended.")
    Decision.objects.create(request=request, person=by, verdict=verdict, comment=comment)
    if request.decisions.count() >= request.required:
        request.status, request.decided_at = "Approved", clock.now()
        request.save()
    return request

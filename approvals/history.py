"""Whether approvals and what followed from them hold together; see executions/history.py."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from approvals import facts
from approvals.models import ApprovalRequest, Decision
from executions.models import Execution, StepExecution
from executions.states import Status

Asked = ApprovalRequest.Status


def problems(execution: Execution) -> Iterator[str]:
    """Sentences about what cannot have happened."""
    requests = list(
        execution.approval_requests.select_related("execution", "step").prefetch_related(
            "decisions"
        )
    )
    for request in requests:
        for problem in _of_request(request):
            yield f"request {request.pk} {problem}"
    granted = {
        (request.step_id, request.attempt): request.decided_at
        for request in requests
        if request.status == Asked.APPROVED
    }
    for step in execution.steps.filter(action="aws:approve", status=Status.SUCCESS):
        decided = granted.get((step.pk, step.attempt))
        if decided is None:
            yield f"{step.name} succeeded, and nobody approved it"
        elif step.ended_at and step.ended_at < decided:
            yield f"{step.name} succeeded before it was approved"


def _of_request(request: ApprovalRequest) -> Iterator[str]:
    """The request, its facts, and the decisions on them."""
    if facts.digest(request.facts) != request.digest:
        yield "has other facts than its digest says"
    decisions = list(request.decisions.all())
    for decision in decisions:
        yield from _of_decision(request, decision)
    approvals = sum(decision.approves for decision in decisions)
    rejections = len(decisions) - approvals
    if request.status == Asked.APPROVED and (approvals < request.required or rejections):
        yield f"is approved by {approvals} of {request.required}, with {rejections} rejections"
    if request.status == Asked.REJECTED and not rejections:
        yield "is rejected, and nobody rejected it"
    if request.status != Asked.REJECTED and rejections:
        yield f"has a rejection, and is {request.status}"
    if request.status == Asked.PENDING and request.step.phase == StepExecution.Phase.ENDED:
        yield "waits for a step that has ended"
    early = request.decided_at and request.decided_at < request.deadline_at
    if request.status == Asked.EXPIRED and early:
        yield "expired before its time"


def _of_decision(request: ApprovalRequest, decision: Decision) -> Iterator[str]:
    """Made by somebody who was asked, in time, on these facts."""
    if decision.digest != request.digest:
        yield f"has a decision of {decision.principal} on other facts"
    if decision.at >= request.deadline_at:
        yield f"has a decision of {decision.principal} after its deadline"
    if not request.names(decision.principal):
        yield f"has a decision of {decision.principal}, who was not asked"
    starter = decision.person_id in request.execution.starter_ids
    if starter and not settings.STARTER_MAY_APPROVE:
        yield f"has a decision of {decision.principal}, who started the execution"

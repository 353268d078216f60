"""Deciding on an approval request: the one function behind every route, and its rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from approvals.models import ApprovalRequest, Decision
from executions import lifecycle, signals
from executions.errors import BadParameters, Conflict, NotAllowed, NotFound, Refused
from executions.events import asked, record

if TYPE_CHECKING:
    from console.iam.models import User

RIGHT: Final = "ssm:SendAutomationSignal"
PAST: Final = {Decision.Verdict.APPROVE: "approved", Decision.Verdict.REJECT: "rejected"}


def find(request_id: UUID, *, by: User) -> ApprovalRequest:
    """A request that the person may see: named in it, its starter, or anyone who sees the run."""
    request = ApprovalRequest.objects.with_facts().filter(pk=request_id).first()
    if request is None or not is_visible(request, by):
        raise NotFound(f"There is no approval request {request_id} that you may see.")
    return request


def is_visible(request: ApprovalRequest, user: User) -> bool:
    """Whether the person may know of the request."""
    if request.execution.started_by_id == user.pk:
        return True
    if user.principal is not None and request.names(user.principal.arn):
        return True
    try:
        lifecycle.find(request.execution_id, by=user)
    except NotFound:
        return False
    return True


def decide(request_id: UUID, *, by: User, verdict: str, comment: str = "") -> ApprovalRequest:
    """Approve or reject as the person, and answer with the request as it is then.

    One rejection ends it. Approvals count by person, and only those of people who still may
    decide when the last one is given. Raises NotFound for strangers, BadParameters, NotAllowed,
    and Conflict with what came first.
    """
    request = ApprovalRequest.objects.with_facts().filter(pk=request_id).first()
    if request is None:
        raise NotFound(f"There is no approval request {request_id} that you may see.")
    comment = comment.replace("\r\n", "\n").strip()
    with asked(by, RIGHT, request.execution.arn) as entry:
        entry.data = {"request": str(request_id), "verdict": verdict, "comment": comment}
        # First of all, so that everything below is read and done by one decision at a time.
        is_open = bool(ApprovalRequest.objects.filter(pk=request_id).touch())
        request = find(request_id, by=by)
        if refusal := blocked(request, by):
            raise refusal
        if not is_open:
            raise Conflict(request.ending() or "This has just ended. Look at the request again.")
        _check(verdict, comment)
        decision = _insert(request, by, verdict, comment)
        _count(decision)
        lifecycle.nudge(request.execution_id)
    return find(request_id, by=by)


def blocked(request: ApprovalRequest, user: User) -> Refused | None:
    """Why the person cannot decide now, for the page; `decide` refuses with the same words."""
    for earlier in request.decisions.all():
        if earlier.person_id == user.pk:
            return Conflict(f"You decided already. {earlier.sentence}")
    if ending := request.ending():
        return Conflict(ending)
    principal = user.principal
    reason = why_not(request, user.pk, principal.arn if principal else "")
    return NotAllowed(reason) if reason else None


def why_not(request: ApprovalRequest, person_id: int, principal_arn: str) -> str:
    """Why this person as this principal has no say in the request; empty if they have.

    Read from the database, not from what the session remembers of the person.
    """
    person = get_user_model().objects.get(pk=person_id)
    if not person.is_active or not person.act_as(principal_arn):
        return f"{person} cannot act as {principal_arn or 'anybody'}."
    if person.pk in request.execution.starter_ids and not settings.STARTER_MAY_APPROVE:
        is_own = person.pk == request.execution.started_by_id
        which = "this execution" if is_own else "the one that is run again here"
        return f"{person} started {which}, and whoever starts one does not decide on it."
    if not request.names(principal_arn):
        return f"{principal_arn} is not among the approvers of this request."
    if not person.has_perm(RIGHT, request.execution.arn):
        return f"The policies of {principal_arn} do not allow {RIGHT} on this execution."
    return ""


def lost_votes(request: ApprovalRequest) -> list[str]:
    """Reasons for which approvals do not count any more, one for each such approval."""
    return [reason for one in _approvals(request) if (reason := _lost(request, one))]


def _check(verdict: str, comment: str) -> None:
    if verdict not in Decision.Verdict.values:
        raise BadParameters({"verdict": ["Choose Approve or Reject."]}, code="ValidationException")
    signals.check_comment(comment)


def _insert(request: ApprovalRequest, by: User, verdict: str, comment: str) -> Decision:
    try:
        with transaction.atomic():
            return Decision.objects.create(
                request=request,
                person=by,
                principal=by.principal.arn if by.principal else "",
                verdict=verdict,
                comment=comment,
                digest=request.digest,
            )
    except IntegrityError as error:
        earlier = Decision.objects.get(request=request, person=by)
        raise Conflict(f"You decided already. {earlier.sentence}") from error


def _count(decision: Decision) -> None:
    """Record the decision, and end the request if it was the last that was needed."""
    request = decision.request
    data = {"request": str(request.id), "verdict": decision.verdict, "comment": decision.comment}
    _record(decision, "approval:vote", {**data, "digest": decision.digest})
    if not decision.approves:
        _settle(decision, ApprovalRequest.Status.REJECTED)
        return
    standing = [approval for approval in _approvals(request) if not _lost(request, approval)]
    if len(standing) >= request.required:
        _settle(decision, ApprovalRequest.Status.APPROVED)


def _settle(decision: Decision, to: ApprovalRequest.Status) -> None:
    request = decision.request
    if not ApprovalRequest.objects.filter(pk=request.pk).settle(to):
        raise Conflict("Something else ended this request. Look at it again.")
    _record(decision, f"approval:{to.lower()}", {"request": str(request.id)})


def _record(decision: Decision, kind: str, data: dict[str, str]) -> None:
    request = decision.request
    record(request.execution_id, kind, step=request.step.name, by=decision.principal, data=data)


def _approvals(request: ApprovalRequest) -> Iterable[Decision]:
    # Not from the rows that were read with the request: those are older than the last decision.
    return Decision.objects.filter(request=request, verdict=Decision.Verdict.APPROVE)


def _lost(request: ApprovalRequest, approval: Decision) -> str:
    return why_not(request, approval.person_id, approval.principal)

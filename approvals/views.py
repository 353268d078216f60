"""The approver's pages: the inbox, and one request with the form that decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from approvals import decisions
from approvals.models import ApprovalRequest
from executions.errors import NotFound, Refused
from executions.models import Account
from executions.targets import observe

if TYPE_CHECKING:
    from console.iam.models import User

    class SignedIn(HttpRequest):
        """A request that has passed the login middleware."""

        user: User


SHOWN: Final = 100


@require_GET
def inbox(request: SignedIn) -> HttpResponse:
    """What waits for the person's decision, or what did."""
    tab = "decided" if request.GET.get("tab") == "decided" else "waiting"
    rows = ApprovalRequest.objects.with_facts()
    found = rows.settled_for(request.user) if tab == "decided" else rows.waiting_for(request.user)
    return render(request, "approvals/inbox.html", {"tab": tab, "requests": found[:SHOWN]})


@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: SignedIn, request_id: UUID) -> HttpResponse:
    """All that a decision is bound to, and the form; a POST decides."""
    try:
        if request.method == "POST":
            return _decide(request, request_id)
        return _show(request, decisions.find(request_id, by=request.user))
    except NotFound as nothing:
        raise Http404(nothing.message) from nothing


def _decide(request: SignedIn, request_id: UUID) -> HttpResponse:
    comment = request.POST.get("comment", "")
    try:
        approval = decisions.decide(
            request_id,
            by=request.user,
            verdict=request.POST.get("verdict", ""),
            comment=comment,
        )
    except NotFound:
        raise
    except Refused as refusal:
        approval = decisions.find(request_id, by=request.user)
        return _show(request, approval, refusal, comment)
    messages.success(request, _thanks(approval))
    return redirect("approval", request_id)


def _thanks(approval: ApprovalRequest) -> str:
    if approval.status == ApprovalRequest.Status.APPROVED:
        return "You approved, and with that the execution goes on."
    if approval.status == ApprovalRequest.Status.REJECTED:
        return "You rejected. The step has failed and nothing after it runs unless it says so."
    return f"You approved: {approval.approved_count} of {approval.required} approvals are given."


def _show(
    request: SignedIn,
    approval: ApprovalRequest,
    refusal: Refused | None = None,
    comment: str = "",
) -> HttpResponse:
    """The request's page; after a refusal with the sentence and what was typed."""
    blocked = None if refusal else decisions.blocked(approval, request.user)
    targets, problem = _targets(approval)
    context = {
        "approval": approval,
        "facts": approval.facts,
        "kept": _kept_names(approval),
        "decisions": approval.decisions.all(),
        "account": Account.objects.filter(pk=approval.execution.account_id).first(),
        "targets": targets,
        "targets_problem": problem,
        "blocked": blocked.message if blocked else "",
        "error": refusal.message if refusal else "",
        "comment": comment,
    }
    status = refusal.status if refusal else 200
    return render(request, "approvals/detail.html", context, status=status)


def _kept_names(approval: ApprovalRequest) -> set[str]:
    """The steps, outside of loops, that an earlier execution did."""
    kept = approval.facts.get("again", {}).get("kept", [])
    return {step["name"] for step in kept if step["pass"] is None}


def _targets(approval: ApprovalRequest) -> tuple[list[dict[str, Any]], str]:
    """The targets as they are now, each with the state that it had when the request was made."""
    asked = {target["id"]: target for target in approval.facts["targets"]}
    execution = approval.execution
    now, problem = observe(execution.account_id, execution.region, list(asked))
    merged = [{**asked[one["id"]], **one, "was": asked[one["id"]]["state"]} for one in now]
    return merged, problem and f"Their present state could not be read. {problem}"

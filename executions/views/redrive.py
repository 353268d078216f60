"""Running an execution again from the step that failed: the review, and the start itself."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from executions import earlier, lifecycle
from executions import redrive as redrives
from executions.errors import BadParameters, Conflict
from executions.models import Execution
from executions.views.http import SignedIn
from executions.views.start import describe


@require_http_methods(["GET", "POST"])
def redrive(request: SignedIn, execution_id: UUID) -> HttpResponse:
    """GET: what will be kept, and what will run. POST: the start."""
    execution = lifecycle.find(execution_id, by=request.user)
    try:
        if request.method == "POST":
            token = _read_token(request.POST.get("token", ""))
            started = redrives.start(execution.pk, by=request.user, token=token)
            return redirect("execution", started.pk)
        return _review(request, execution)
    except Conflict as refusal:
        messages.error(request, refusal.message)
        return redirect("execution", execution.pk)


def _review(request: SignedIn, execution: Execution) -> HttpResponse:
    wanted = redrives.preview(execution, by=request.user)
    context = {
        **describe(request, wanted),
        "again": {"execution": str(execution.pk), **earlier.plan(execution.pk).facts},
        "token": uuid4(),
    }
    return render(request, "executions/redrive.html", context)


def _read_token(text: str) -> str:
    """The token of a review, which makes a second click the same start."""
    try:
        return str(UUID(text))
    except ValueError as error:
        raise BadParameters(
            {"token": ["This form is incomplete. Open the review again."]},
            code="ValidationException",
        ) from error

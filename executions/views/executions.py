"""The history, and what people do to a run. The page of one run is console/pages.py's."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from executions import admission, lifecycle, presentation, signals
from executions.errors import NotFound, Refused
from executions.forms import HistoryForm
from executions.models import Execution
from executions.models.executions import ExecutionQuerySet
from executions.states import Status
from executions.views.http import SignedIn, account_of

PAGE = 50
STOPPING = {"Cancel": "cancelled", "Complete": "completed"}


@require_safe
def executions(request: SignedIn) -> HttpResponse:
    """Every run of the account, newest first, filtered and paged by the URL."""
    form = HistoryForm(request.GET)
    form.is_valid()  # an unusable filter is left out, and told at its field
    found = _filtered(Execution.objects.visible_to(request.user), form.cleaned_data)
    page, older, newer = _page(found, request.GET)
    admission.find_places(page)
    context = {
        "executions": page,
        "older": older,
        "newer": newer,
        "form": form,
        "statuses": Status.choices,
        "account": account_of(request),
    }
    return render(request, "executions/list.html", context)


def _filtered(found: ExecutionQuerySet, wanted: dict[str, Any]) -> ExecutionQuerySet:
    if statuses := wanted.get("status"):
        found = found.filter(status__in=statuses)
    if name := wanted.get("document"):
        found = found.filter(document_name__icontains=name)
    if who := wanted.get("by"):
        found = found.filter(Q(executed_by__icontains=who) | Q(started_by__username__icontains=who))
    if after := wanted.get("after"):
        found = found.filter(created_at__gte=_midnight(after))
    if ended := wanted.get("ended_after"):
        found = found.filter(ended_at__gte=_midnight(ended))
    if before := wanted.get("before"):
        found = found.filter(created_at__lt=_midnight(before) + timedelta(days=1))
    if query := wanted.get("q"):
        words = Q(failure_message__icontains=query) | Q(parameters__icontains=query)
        # Pages show the end of an id.
        found = found.filter(words | Q(pk__iendswith=_uuid(query) or query.strip()))
    return found


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time(), UTC)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def _page(found: ExecutionQuerySet, url: QueryDict) -> tuple[list[Execution], str, str]:
    """A page by key, so that it stays put while runs are added, and the URLs of its neighbours."""
    found = found.select_related("started_by")
    key = _uuid(url.get("older", "") or url.get("newer", ""))
    mark = found.model.objects.filter(pk=key).first() if key else None
    if mark is None:
        rows = list(found[: PAGE + 1])
        return rows[:PAGE], _url(url, "older", rows[:PAGE]) if len(rows) > PAGE else "", ""
    same = Q(created_at=mark.created_at)
    if "older" in url:
        rows = list(
            found.filter(Q(created_at__lt=mark.created_at) | same & Q(pk__lt=mark.pk))[: PAGE + 1]
        )
        older = _url(url, "older", rows[:PAGE]) if len(rows) > PAGE else ""
        return rows[:PAGE], older, _url(url, "newer", rows[:1])
    rows = list(
        found.filter(Q(created_at__gt=mark.created_at) | same & Q(pk__gt=mark.pk)).order_by(
            "created_at", "id"
        )[: PAGE + 1]
    )
    page = rows[:PAGE][::-1]
    newer = _url(url, "newer", page[:1]) if len(rows) > PAGE else ""
    return page, _url(url, "older", page), newer


def _url(url: QueryDict, direction: str, rows: list[Execution]) -> str:
    """The present URL, going on from the last (older) or before the first (newer) of the rows."""
    if not rows:
        return ""
    query = url.copy()
    for name in ("older", "newer"):
        query.pop(name, None)
    query[direction] = str(rows[-1].pk)
    return f"?{query.urlencode()}"


@require_POST
def stop(request: SignedIn, execution_id: UUID) -> HttpResponse:
    """Cancel a run, or complete it."""
    execution = lifecycle.find(execution_id, by=request.user)
    kind = "Complete" if "complete" in request.POST else "Cancel"
    try:
        lifecycle.stop(execution, by=request.user, kind=kind)
        messages.success(request, f"It is being {STOPPING[kind]}.")
    except Refused as refusal:
        messages.error(request, refusal.message)
    return redirect("execution", execution_id)


@require_POST
def signal(request: SignedIn, execution_id: UUID) -> HttpResponse:
    """Run or stop a step of an interactive run; the button is named as the signal."""
    execution = lifecycle.find(execution_id, by=request.user)
    kind = next((name for name in signals.STEERS if name in request.POST), "")
    try:
        signals.send(execution, kind, request.POST.get(kind, ""), by=request.user)
    except Refused as refusal:
        messages.error(request, refusal.message)
    return redirect("execution", execution_id)


@require_safe
def loop_pass(request: SignedIn, execution_id: UUID, number: int, iteration: int) -> HttpResponse:
    """The steps of one pass of a loop, for the page that shows only the last one."""
    execution = lifecycle.find(execution_id, by=request.user)
    rows = execution.steps.filter(parent__number=number, iteration=iteration)
    if not rows:
        raise NotFound(f"{execution} has no pass {iteration} of step {number}.")
    context = {**presentation.show(execution), "pass": {"iteration": iteration, "rows": rows}}
    return render(request, "executions/_pass_steps.html", context)


@require_POST
def resolve(request: SignedIn, execution_id: UUID, number: int) -> HttpResponse:
    """Say what became of a call whose outcome is unknown."""
    execution = lifecycle.find(execution_id, by=request.user)
    step = execution.steps.filter(number=number).first()
    if step is None:
        raise NotFound(f"{execution} has no step {number}.")
    try:
        signals.settle_unknown(
            step,
            request.POST.get("verdict", ""),
            comment=request.POST.get("comment", "").replace("\r\n", "\n").strip(),
            by=request.user,
        )
        messages.success(request, f"Noted for {step.name}; the engine goes on.")
    except Refused as refusal:
        messages.error(request, refusal.message)
    return redirect("execution", execution_id)

"""Pages that belong to no single app."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID

from allauth.account.views import password_change
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.models import ApprovalRequest
from console.iam.middleware import SESSION_KEY
from console.live import tickets
from executions import admission, clock, lifecycle, presentation
from executions.errors import NotAllowed
from executions.models import Execution
from executions.states import Status
from executions.views.http import SignedIn, account_of

MOST = 20
MOST_EVENTS = 300  # on the page of an execution, unless all are asked for


@require_safe
def home(request: SignedIn) -> HttpResponse:
    """What waits for the person, what runs, and what failed today (UTC)."""
    runs = Execution.objects.visible_to(request.user).select_related("started_by")
    midnight = datetime.combine(clock.now().date(), time(), clock.now().tzinfo)
    active = runs.active()
    running = list(active[:MOST])
    admission.find_places(running)
    failed = runs.filter(
        status__in=(Status.FAILED, Status.TIMED_OUT), ended_at__gte=midnight
    ).order_by("-ended_at")
    today = midnight.date().isoformat()
    context = {
        "waiting": ApprovalRequest.objects.waiting_for(request.user).with_facts()[:MOST],
        "running": running,
        "failed_today": failed[:MOST],
        "counts": {"running": active.count(), "failed_today": failed.count()},
        "today": today,
        "failed_query": f"?status=Failed&status=TimedOut&ended_after={today}",
        "account": account_of(request),
    }
    return render(request, "home.html", context)


@require_safe
def execution(request: SignedIn, execution_id: UUID) -> HttpResponse:
    """One run: its steps, events and summary, followed live."""
    found = lifecycle.find(execution_id, by=request.user)
    first = 0 if request.GET.get("events") == "all" else found.event_seq - MOST_EVENTS
    context = {
        **presentation.show(found),
        "parameters": presentation.parameters(found),
        "events": found.events.filter(seq__gt=first, seq__lte=found.event_seq),
        "earlier_events": max(first, 0),
        "approval": ApprovalRequest.objects.filter(execution=found).order_by("-created_at").first(),
        "account": account_of(request),
        "live": tickets.attributes(request.user, found),
    }
    return render(request, "executions/detail.html", context)


@require_POST
def switch_principal(request: SignedIn) -> HttpResponse:
    """Act as another of one's own principals."""
    wanted, back = request.POST.get("principal", ""), request.POST.get("next", "/")
    if request.user.act_as(wanted):
        request.session[SESSION_KEY] = wanted
    else:
        messages.error(request, "That principal is not yours.")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    answer: HttpResponse = redirect(back if safe else "/")
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: SignedIn) -> HttpResponse:
    """allauth's page, for people who have a password."""
    if not request.user.has_usable_password():
        raise NotAllowed("You sign in without a password, so there is none to change.")
    page: HttpResponse = password_change(request)
    return page


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers as soon as the process serves and the database does."""
    Execution.objects.only("pk").first()
    return HttpResponse("ok\n", content_type="text/plain")

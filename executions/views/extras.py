"""What belongs to a version besides its text: attachments, and steps that may be repeated."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from executions import library
from executions.errors import BadParameters
from executions.library import attachment_links, repeats
from executions.models import DocumentVersion
from executions.views.documents import find_version
from executions.views.http import SignedIn, account_of

ANY_REGION: Final = "*"  # documents are in all Regions of their account
BAD_REQUEST = 400


@require_http_methods(["GET", "HEAD", "POST"])
def extras(request: SignedIn, owner: str, name: str) -> HttpResponse:
    """Both lists; POST declares a step repeatable, or (withdraw) does so no longer."""
    document = library.find(owner, name, by=request.user)
    version = find_version(document, request.GET.get("version", ""), account_of(request))
    if request.method != "POST":
        return _show(request, version)
    step, reason = request.POST.get("step", ""), request.POST.get("reason", "")
    if "withdraw" in request.POST:
        repeats.withdraw(version, step, by=request.user)
        messages.success(request, f"{step} is not repeatable any more.")
    else:
        try:
            repeats.declare(version, step, reason, by=request.user)
        except BadParameters as refusal:
            return _show(request, version, refused=(step, refusal.message), status=BAD_REQUEST)
        messages.success(request, f"{step} is repeatable in runs that start from now on.")
    return redirect(f"{reverse('extras', args=[owner, name])}?version={version.number}")


def _show(
    request: SignedIn,
    version: DocumentVersion,
    *,
    refused: tuple[str, str] = ("", ""),
    status: int = 200,
) -> HttpResponse:
    declared = {one.step: one for one in version.repeatable_steps.all()}
    context = {
        "document": version.document,
        "version": version,
        "attachments": [
            (one, attachment_links.make_link(one, region=ANY_REGION, by=request.user))
            for one in version.attachments.all()
        ],
        "steps": [
            (step, declared.get(step), refused[1] if step == refused[0] else "")
            for step in repeats.candidates(version)
        ],
        "may_declare": repeats.may_declare(version.document, by=request.user),
        "refused": refused[1],
    }
    return render(request, "documents/extras.html", context, status=status)

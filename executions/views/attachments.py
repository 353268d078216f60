"""A file of a document, for whoever has a link to it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from executions.library import attachment_links


@login_not_required
@require_safe
def attachment(request: HttpRequest, token: str) -> HttpResponse:
    """The bytes, to be saved and never shown: what they are is not ours to say."""
    found = attachment_links.follow(token)
    return HttpResponse(
        bytes(found.content.data),
        content_type="application/octet-stream",
        headers={
            "Cache-Control": "private, no-store",
            "Content-Disposition": content_disposition_header(
                as_attachment=True, filename=found.name
            ),
        },
    )

"""What live.js asks besides the stream: a new token, and the events when no stream gets through."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from console.live.feed import read
from console.live.stream import SEQ
from console.live.tickets import may_follow, token


@login_not_required
@never_cache
@require_safe
def live_token(request: HttpRequest, execution_id: UUID) -> JsonResponse:
    """A new token for the stream of one execution."""
    user = request.user
    if user.is_authenticated and may_follow(user, execution_id):
        return JsonResponse({"token": token(user, execution_id)})
    return _refuse()


@login_not_required
@never_cache
@require_safe
def live_events(request: HttpRequest, execution_id: UUID) -> JsonResponse:
    """The events above `after`, in the shape of the stream's messages."""
    user, after = request.user, request.GET.get("after", "0")
    if not (user.is_authenticated and may_follow(user, execution_id)):
        return _refuse()
    if not SEQ.fullmatch(after):
        message = "after is the number of the last event that you have."
        return JsonResponse({"message": message}, status=400)
    return JsonResponse(read(execution_id, int(after)).data)


def _refuse() -> JsonResponse:
    # One answer for all, so that nobody learns which executions there are; and 403 instead of a
    # redirect to the sign-in page, which a script could not use (hence login_not_required).
    message = "You are signed out or may not see this execution. Reload the page."
    return JsonResponse({"message": message}, status=403)

"""Lets a signed-in person act as the principal they chose."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

SESSION_KEY = "principal"


def acting_principal(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Take the chosen principal from the session; one that is no longer theirs is forgotten."""

    def middleware(request: HttpRequest) -> HttpResponse:
        chosen = request.session.get(SESSION_KEY)
        if chosen and request.user.is_authenticated and not request.user.act_as(chosen):
            del request.session[SESSION_KEY]
        return get_response(request)

    return middleware

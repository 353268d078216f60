"""A refusal that no view handled becomes a page with a sentence and its status."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

from executions.errors import Refused


class Refusals:
    """Django calls process_exception only on a class."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed):
            # Whoever signs in again on the way to a form's address arrives there with GET.
            page = render(request, "405.html", status=response.status_code)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page for a Refused; anything else is not ours."""
        if not isinstance(error, Refused):
            return None
        page = error.status if error.status in {403, 404, 409} else 400
        return render(request, f"{page}.html", {"exception": error.message}, status=error.status)

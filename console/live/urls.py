"""The addresses of the live page that Django answers; console/asgi.py has the stream's."""

from __future__ import annotations

from django.urls import path

from console.live.views import live_events, live_token

urlpatterns = [
    path("executions/<uuid:execution_id>/live-token/", live_token, name="live_token"),
    path("executions/<uuid:execution_id>/events/", live_events, name="live_events"),
]

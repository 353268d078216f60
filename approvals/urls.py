"""Addresses under /approvals/."""

from __future__ import annotations

from django.urls import path

from approvals import views

urlpatterns = [
    path("", views.inbox, name="approvals"),
    path("<uuid:request_id>/", views.detail, name="approval"),
]

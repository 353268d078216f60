"""The approvals app."""

from __future__ import annotations

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Approval requests and decisions."""

    name = "approvals"

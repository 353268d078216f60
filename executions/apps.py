"""The executions app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from executions import actions


class ExecutionsConfig(AppConfig):
    """The engine and what it runs."""

    name = "executions"

    def ready(self) -> None:
        """Load our own actions, then those of other apps (approvals/actions.py)."""
        actions.load()
        autodiscover_modules("actions")

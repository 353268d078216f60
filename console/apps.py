"""The console app."""

from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """People, pages and the processes."""

    name = "console"

    def ready(self) -> None:
        """Register the checks of unsafe settings."""
        from console import checks  # noqa: F401, PLC0415 - registers itself; needs loaded apps

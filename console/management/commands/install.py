"""manage.py install: what a new or updated installation needs besides migrate."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from console.iam import presets
from executions.library.predefined import install_all


class Command(BaseCommand):
    """Idempotent, to be run after each migrate."""

    help = "Create the cache table, the predefined documents and the preset policies."

    def handle(self, *args: Any, **options: Any) -> None:
        """Put everything in place."""
        call_command("createcachetable")
        documents = install_all()
        policies = presets.install()
        self.stdout.write(f"{documents} predefined documents, policies: {', '.join(policies)}.")

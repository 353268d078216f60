"""manage.py seed: the demo's people, accounts and documents."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from console.demo.seed import seed


class Command(BaseCommand):
    """For ./run and tests; a console that acts on AWS itself has no use for demo people."""

    help = "Put the demo's people, accounts and documents in place."

    def handle(self, *args: Any, **options: Any) -> None:
        """Idempotent; writes users.json into the state folder."""
        if not settings.AWS_ENDPOINT_URL:
            raise CommandError(
                "The demo's people are for a simulated account (AWS_ENDPOINT_URL). For AWS itself"
                " use manage.py install, manage.py account and manage.py person."
            )
        call_command("createcachetable")
        seed(settings.STATE)

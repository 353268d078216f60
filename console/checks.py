"""System checks: settings that would break a promise are refused by name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def engine_times(**_: Any) -> list[CheckMessage]:
    """A lease has to outlast the pauses between two renewals; times are UTC everywhere."""
    problems: list[CheckMessage] = []
    if settings.LEASE.total_seconds() < 3:
        problems.append(
            Error(
                "COUNTERSIGN_LEASE_SECONDS is below 3.",
                hint="A shorter one is taken over while its worker is alive; leave it at 30.",
                id="console.E001",
            )
        )
    if settings.TIME_ZONE != "UTC":
        problems.append(Error("TIME_ZONE must be UTC.", id="console.E002"))
    return problems

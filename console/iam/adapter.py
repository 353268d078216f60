"""How allauth behaves here."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are made by an administrator, not by whoever finds the page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

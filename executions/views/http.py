"""Small helpers of the views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

from executions.errors import NotAllowed
from executions.models import Account

if TYPE_CHECKING:
    from console.iam.models import User


class SignedIn(HttpRequest):
    """A request after LoginRequiredMiddleware: somebody is signed in."""

    user: User


def account_of(request: SignedIn) -> Account:
    """The account that the person acts in."""
    principal = request.user.principal
    account = Account.objects.filter(pk=principal.account_id).first() if principal else None
    if account is None:
        raise NotAllowed(
            "You act as no principal of a connected account. An administrator can give you one."
        )
    return account

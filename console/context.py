"""What every page of a signed-in person knows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from approvals.models import ApprovalRequest
from executions.models import Account


def console(request: HttpRequest) -> dict[str, Any]:
    """The principal, its account, the person's other principals, and how much waits for them."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    principal = user.principal
    return {
        "principal": principal,
        "principals": user.principals.all(),
        "account": Account.objects.filter(pk=principal.account_id).first() if principal else None,
        "waiting_for_me": ApprovalRequest.objects.waiting_for(user).count(),
    }

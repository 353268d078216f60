"""The right to follow one execution: a short-lived signed token, and whether it still holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.core import signing
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from console.iam.models import User
from executions import lifecycle
from executions.errors import NotFound
from executions.models import Execution

SALT: Final = "countersign.live"
MAX_AGE: Final = timedelta(minutes=10)


class Ticket(NamedTuple):
    """Who follows which execution, and as which principal."""

    user_id: int
    principal: str
    execution_id: UUID

    def holds(self) -> bool:
        """Ask the database whether they still may: the account, the principal and its rights."""
        user = User.objects.filter(pk=self.user_id, is_active=True).first()
        return (
            user is not None and user.act_as(self.principal) and may_follow(user, self.execution_id)
        )


def may_follow(user: User, execution_id: UUID) -> bool:
    """Whether this person may see the execution, as its page decides it."""
    try:
        lifecycle.find(execution_id, by=user)
    except NotFound:
        return False
    return True


def token(user: User, execution_id: UUID) -> str:
    """A token with which the principal the person acts as now may follow the execution."""
    principal = user.principal.arn if user.principal else ""
    return signing.dumps([user.pk, principal, str(execution_id)], salt=SALT)


def read_token(text: str, execution_id: UUID) -> Ticket:
    """The ticket that a token stands for.

    django.core.signing.BadSignature if it is forged, older than ten minutes, or of another
    execution.
    """
    user_id, principal, signed_id = signing.loads(text, salt=SALT, max_age=MAX_AGE)
    if signed_id != str(execution_id):
        raise signing.BadSignature("The token is of another execution.")
    return Ticket(user_id, principal, execution_id)


def attributes(user: User, execution: Execution) -> SafeString:
    """The data attributes from which live.js learns what to follow and from where."""
    values = {
        "live-url": f"/live/executions/{execution.pk}",
        "poll-url": reverse("live_events", args=[execution.pk]),
        "token-url": reverse("live_token", args=[execution.pk]),
        "token": token(user, execution.pk),
        "after": execution.event_seq,
    }
    return format_html_join(" ", 'data-{}="{}"', values.items())

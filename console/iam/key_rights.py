"""Who may see, make and revoke access keys: one's own; administrators their account's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import models

from console.iam import keys
from console.iam.models import AccessKey, Principal, User
from executions.errors import BadParameters, Conflict, NotAllowed, NotFound
from executions.events import asked

MOST_KEYS: Final = 10  # of a principal, that are not revoked
MOST_SHOWN: Final = 500
LIST, CREATE, REVOKE = "iam:ListAccessKeys", "iam:CreateAccessKey", "iam:DeleteAccessKey"


def own(user: User) -> models.QuerySet[AccessKey]:
    """The keys of all of the person's principals, the newest first."""
    return _keys().filter(principal__user=user)[:MOST_SHOWN]


def others(user: User) -> Sequence[AccessKey]:
    """Other people's keys of the account that the person acts in, if they may list them."""
    account = user.principal.account_id if user.principal else ""
    found = _keys().filter(principal__arn__contains=f"::{account}:").exclude(principal__user=user)
    return [key for key in found[:MOST_SHOWN] if _may(user, LIST, key.principal)]


def create(user: User, arn: str, description: str) -> tuple[AccessKey, str]:
    """A key of one of the person's own principals, and its secret."""
    with asked(user, CREATE, arn) as entry:
        principal = user.principals.select_for_update().filter(arn=arn).first()
        if principal is None:
            raise NotAllowed(f"{arn[:200]} is not a principal of yours.")
        if principal.access_keys.filter(revoked_at=None).count() >= MOST_KEYS:
            raise BadParameters(
                {"principal": [f"{arn} has {MOST_KEYS} keys; revoke one that is not used."]}
            )
        key, secret = keys.create(principal, description)
        entry.data = {"key": key.key_id, "description": description}
        return key, secret


def revoke(user: User, key_id: str) -> AccessKey:
    """Revoke one's own key, or another's of the account; NotFound for one that one cannot see."""
    key = _keys().filter(key_id=key_id).first()
    if key is None or not (key.principal.user_id == user.pk or _may(user, LIST, key.principal)):
        raise NotFound(f"There is no access key {key_id} that you may see.")
    with asked(user, REVOKE, key.principal.arn) as entry:
        entry.data = {"key": key_id}
        if key.principal.user_id != user.pk and not _may(user, REVOKE, key.principal):
            raise NotAllowed(f"You may not revoke access keys of {key.principal}.")
        if not keys.revoke(key):
            raise Conflict(f"The access key {key_id} was revoked before.")
    return key


def _keys() -> models.QuerySet[AccessKey]:
    return AccessKey.objects.select_related("principal__user")


def _may(user: User, action: str, principal: Principal) -> bool:
    """What IAM allows reaches no further than the account that the person acts in."""
    acts_in = user.principal.account_id if user.principal else ""
    return principal.account_id == acts_in and user.has_perm(action, principal.arn)

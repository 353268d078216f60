"""Access keys: made, shown once, encrypted at rest, revoked."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Q

from console.iam.models import AccessKey, Principal, User
from executions import clock

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
USE_NOTED_EVERY: Final = timedelta(minutes=1)
# Asked for every request. Measured, the ORM would make of this a third of a request's time.
FIND: Final = """
    SELECT a.id, a.secret, a.last_used_at >= %s, p.id, p.arn, u.id, u.username, d.document
    FROM console_accesskey a
    JOIN console_principal p ON p.id = a.principal_id
    JOIN console_user u ON u.id = p.user_id
    LEFT JOIN console_principal_policies x ON x.principal_id = p.id
    LEFT JOIN console_policy d ON d.id = x.policy_id
    WHERE a.key_id = %s AND a.revoked_at IS NULL AND u.is_active
"""
USER_FIELDS: Final = ("id", "username", "is_active")  # the others are read if they are needed


@dataclass(frozen=True, slots=True)
class Bearer:
    """The person behind a key, acting as its principal, and what verifying needs of the key."""

    user: User
    key: int
    secret: str  # encrypted
    is_noted: bool  # that it was used, within the last minute


def create(principal: Principal, description: str = "") -> tuple[AccessKey, str]:
    """A new key and its secret, which nobody will be shown again."""
    key_id = "AKIA" + "".join(secrets.choice(LETTERS) for _ in range(16))
    secret = base64.b64encode(secrets.token_bytes(30)).decode()
    key = AccessKey.objects.create(
        key_id=key_id,
        principal=principal,
        secret=_cipher(settings.SECRET_KEY).encrypt(secret.encode()).decode(),
        description=description,
        created_at=clock.now(),
    )
    return key, secret


def revoke(key: AccessKey) -> bool:
    """From now on, nothing signed with it counts. False if it was revoked before."""
    alive = AccessKey.objects.filter(pk=key.pk, revoked_at=None)
    return bool(alive.update(revoked_at=clock.now()))


def find(key_id: str) -> Bearer | None:
    """Who may sign with a key: it is not revoked, and its person may still sign in."""
    noted = connection.ops.adapt_datetimefield_value(clock.now() - USE_NOTED_EVERY)
    with connection.cursor() as cursor:
        cursor.execute(FIND, [noted, key_id])
        rows = cursor.fetchall()
    if not rows:
        return None
    key, secret, is_noted, principal_id, arn, user_id, username, _ = rows[0]
    user = User.from_db(DEFAULT_DB_ALIAS, USER_FIELDS, (user_id, username, True))
    documents = [json.loads(row[-1]) for row in rows if row[-1] is not None]
    user.act_as_loaded(Principal(id=principal_id, arn=arn, user=user), documents)
    return Bearer(user, key, secret, bool(is_noted))


def secret_of(bearer: Bearer) -> str | None:
    """The key's secret; None if it was encrypted under another SECRET_KEY."""
    try:
        return _decrypt(settings.SECRET_KEY, bearer.secret)
    except InvalidToken:
        return None


def note_use(bearer: Bearer) -> bool:
    """Remember that the key was used, at most once a minute; whether that was now."""
    if bearer.is_noted:
        return False
    now = clock.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    return bool(AccessKey.objects.filter(stale, pk=bearer.key).update(last_used_at=now))


@lru_cache(maxsize=1024)
def _decrypt(secret_key: str, encrypted: str) -> str:
    """Kept, since it is asked for with every request. A revoked key is not found by then."""
    return _cipher(secret_key).decrypt(encrypted.encode()).decode()


@lru_cache(maxsize=2)
def _cipher(secret_key: str) -> Fernet:
    """The key is not in the database, so a copy of that gives no secret away."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"countersign access keys")
    return Fernet(base64.urlsafe_b64encode(kdf.derive(secret_key.encode())))

"""Access keys: made, shown once, encrypted at rest, revoked."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from functools import lru_cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db.models import Q

from console.iam.models import AccessKey, Principal
from executions import clock

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
USE_NOTED_EVERY: Final = timedelta(minutes=1)


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


def find(key_id: str) -> AccessKey | None:
    """A key that may be used, with all that decides what it may do; its person may sign in."""
    return (
        AccessKey.objects.select_related("principal__user")
        .prefetch_related("principal__policies")
        .filter(key_id=key_id, revoked_at=None, principal__user__is_active=True)
        .first()
    )


def secret_of(key: AccessKey) -> str | None:
    """The secret; None if it was encrypted under another SECRET_KEY."""
    try:
        return _decrypt(settings.SECRET_KEY, key.secret)
    except InvalidToken:
        return None


def note_use(key: AccessKey) -> bool:
    """Remember that it was used, at most once a minute; whether that was now."""
    now = clock.now()
    if key.last_used_at is not None and key.last_used_at >= now - USE_NOTED_EVERY:
        return False
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    return bool(AccessKey.objects.filter(stale, pk=key.pk).update(last_used_at=now))


@lru_cache(maxsize=1024)
def _decrypt(secret_key: str, encrypted: str) -> str:
    """Kept, since it is asked for with every request. A revoked key is not found by then."""
    return _cipher(secret_key).decrypt(encrypted.encode()).decode()


@lru_cache(maxsize=2)
def _cipher(secret_key: str) -> Fernet:
    """The key is not in the database, so a copy of that gives no secret away."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"countersign access keys")
    return Fernet(base64.urlsafe_b64encode(kdf.derive(secret_key.encode())))

"""Settings from the environment, with helpers that fail loudly."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

DATABASES_BY_SCHEME = {
    "sqlite": "django.db.backends.sqlite3",
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
}


def text(name: str, default: str = "") -> str:
    """The variable's value; NAME_FILE may name a file that holds it instead."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def flag(name: str, *, default: bool = False) -> bool:
    """A yes or no that is spelled ``true`` or ``false`` and in no other way."""
    value = text(name, "true" if default else "false").lower()
    if value not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")
    return value == "true"


def seconds(name: str, default: float) -> float:
    """A positive number of seconds."""
    value = text(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = -1
    if number <= 0:
        raise ImproperlyConfigured(f"{name} must be a positive number of seconds, not {value!r}")
    return number


def count(name: str, default: int, *, least: int = 1) -> int:
    """A whole number, from 1 or another one."""
    value = text(name, str(default))
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least}, not {value!r}")
    return int(value)


def names(name: str, default: str = "") -> list[str]:
    """A list that is separated by commas."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def database(url: str) -> dict[str, Any]:
    """Django's database settings for ``sqlite:////path`` or ``postgres://user:pw@host/name``."""
    parts = urlsplit(url)
    engine = DATABASES_BY_SCHEME.get(parts.scheme)
    if engine is None:
        raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:// or postgres://")
    if parts.scheme == "sqlite":
        return {
            "ENGINE": engine,
            "NAME": unquote(parts.path)[1:] if parts.path.startswith("//") else unquote(parts.path),
            "OPTIONS": {
                # IMMEDIATE: a transaction that will write queues for the lock at its start;
                # one that read first would fail at once, whatever the timeout.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
            "CONN_MAX_AGE": 60,
        }
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": engine,
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", parts.hostname or "")),
        "PORT": str(parts.port or query.get("port", "")),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 60,
    }

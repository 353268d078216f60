"""The one clock. Everything that decides by time asks here, so that tests can move it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The present, in UTC."""
    return _source()


def use(source: Callable[[], datetime] | None) -> None:
    """Take the time from `source`; from the system again with None."""
    global _source  # noqa: PLW0603 - there is one clock, and this is its only hand
    _source = source or _system

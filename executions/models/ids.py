"""Keys of runs and their steps: they grow with time, so that new rows lie together in an index.

With keys by chance each new row changed a page of its own there: beside a million executions, steps
per second fell by a third on SQLite.
"""

from __future__ import annotations

import os
import time
from typing import Final
from uuid import UUID

VERSION: Final = 7 << 76
VARIANT: Final = 0b10 << 62
CHANCE: Final = ~(0xF << 76 | 0b11 << 62)  # the bits that are neither of these


def make_id() -> UUID:
    """A UUID of version 7 (RFC 9562): milliseconds since 1970, then 74 bits of chance.

    Python's own comes with 3.14.
    """
    moment = time.time_ns() // 1_000_000
    bits = moment << 80 | int.from_bytes(os.urandom(10))
    return UUID(int=bits & CHANCE | VERSION | VARIANT)


def shorten(one: UUID | str) -> str:
    """The last eight characters of an id, for people: the first ones tell the time."""
    return str(one)[-8:]

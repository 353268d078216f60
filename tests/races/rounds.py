"""How often a race is run: a few times, or with COUNTERSIGN_RACES=full up to a thousand."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeAlias

IS_FULL: Final = os.environ.get("COUNTERSIGN_RACES") == "full"
WINNERS: Final = "winners"  # the property of a test that says who won how often
Tell: TypeAlias = Callable[[Counter[str]], None]


def rounds(usual: int, full: int = 1000) -> int:
    """The number of rounds to run."""
    return full if IS_FULL else usual

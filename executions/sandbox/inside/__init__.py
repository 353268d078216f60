"""What runs inside the sandbox: standard library only, and nothing else of Countersign."""

from __future__ import annotations

from typing import Final

MOST_BYTES: Final = 100_000  # of a returned value as JSON; AWS: "up to 100 KB"
MOST_ITEMS: Final = 100  # of a returned list; AWS: "a maximum of 100 items is returned"
MESSAGE_LENGTH: Final = 16_000  # characters of a message or a traceback

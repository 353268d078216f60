"""The console's own ASGI application with other numbers, for tests that cannot wait minutes.

LIVE_<NAME> in the environment replaces a number of console/live/stream.py, such as LIVE_CHECK.
"""

from __future__ import annotations

import os

from console.asgi import application
from console.live import stream

__all__ = ["application"]

for name in ("LIFETIME", "CHECK", "PING", "LOOK", "PER_PROCESS"):
    setattr(stream, name, float(os.environ.get(f"LIVE_{name}", getattr(stream, name))))

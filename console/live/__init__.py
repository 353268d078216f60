"""The live page of an execution: its events, as they are committed, over one stream per tab.

    commit ──► Redis "look again" ──► bells ──► stream ──► feed (reads the rows) ──► browser

The rows are the truth and the sequence number is the cursor. Redis only says when to look, so
losing it costs time and never an event.
"""

from __future__ import annotations

from console.live.feed import Batch, Fragment, fragments, read
from console.live.tickets import attributes, token

__all__ = ["Batch", "Fragment", "attributes", "fragments", "read", "token"]

"""Running scripts of strangers under bubblewrap (docs/sandbox.md says what that promises)."""

from __future__ import annotations

from executions.sandbox.launcher import Sandbox, prepare, run
from executions.sandbox.probes import check
from executions.sandbox.spool import KEPT_DAYS, Spool
from executions.sandbox.values import (
    POWERSHELL,
    PYTHON,
    Attachment,
    Ended,
    Forbidden,
    Job,
    Network,
    Result,
    Unavailable,
)

__all__ = [
    "KEPT_DAYS",
    "POWERSHELL",
    "PYTHON",
    "Attachment",
    "Ended",
    "Forbidden",
    "Job",
    "Network",
    "Result",
    "Sandbox",
    "Spool",
    "Unavailable",
    "check",
    "prepare",
    "run",
]

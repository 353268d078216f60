"""The rows: documents, executions with their steps and signals, the journal, and accounts."""

from __future__ import annotations

from executions.models.accounts import Account
from executions.models.documents import Document, DocumentVersion
from executions.models.executions import Execution, Signal, StepExecution
from executions.models.journal import Event, JournalEntry

__all__ = [
    "Account",
    "Document",
    "DocumentVersion",
    "Event",
    "Execution",
    "JournalEntry",
    "Signal",
    "StepExecution",
]

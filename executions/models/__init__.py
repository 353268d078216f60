"""The rows: documents, executions with their steps and signals, the journal, and accounts."""

from __future__ import annotations

from executions.models.accounts import Account
from executions.models.documents import (
    Attachment,
    AttachmentContent,
    Document,
    DocumentPermission,
    DocumentVersion,
    RepeatableStep,
)
from executions.models.executions import Execution, Signal, StepExecution
from executions.models.journal import Event, JournalEntry
from executions.models.tags import ExecutionPreview, ServiceSetting, Tag

__all__ = [
    "Account",
    "Attachment",
    "AttachmentContent",
    "Document",
    "DocumentPermission",
    "DocumentVersion",
    "Event",
    "Execution",
    "ExecutionPreview",
    "JournalEntry",
    "RepeatableStep",
    "ServiceSetting",
    "Signal",
    "StepExecution",
    "Tag",
]

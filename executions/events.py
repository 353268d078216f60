"""Writing the journal: events of an execution, and what people asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import connection, transaction

from executions import bus
from executions.errors import Refused
from executions.models import Event, JournalEntry, rows

if TYPE_CHECKING:
    from console.iam.models import User

NEXT: Final = (
    "UPDATE executions_execution SET event_seq = event_seq + 1 WHERE id = %s RETURNING event_seq"
)


def record(
    execution_id: UUID, kind: str, *, step: str = "", by: str = "", data: Mapping[str, Any] = {}
) -> None:
    """Add an event in the caller's transaction; the UPDATE takes the row, so seq has no gap."""
    with connection.cursor() as cursor:
        # Not by the ORM, which would have to ask again for the number.
        cursor.execute(NEXT, [rows.adapt(execution_id)])
        (seq,) = cursor.fetchone()
    rows.insert(
        Event(execution_id=execution_id, seq=seq, kind=kind, step=step, by=by, data=dict(data))
    )
    transaction.on_commit(lambda: bus.publish(bus.live_channel(execution_id), seq))


@contextmanager
def asked(by: User, action: str, resource: str) -> Iterator[JournalEntry]:
    """A transaction in which a person's wish is carried out and journalled, or refused.

    A Refused inside rolls everything back and leaves one entry that says so.
    """
    principal = by.principal.arn if by.principal else ""
    entry = JournalEntry(person=by, principal=principal, action=action, resource=resource)
    try:
        with transaction.atomic():
            yield entry
            entry.granted = True
            rows.insert(entry)
    except Refused as refusal:
        entry.granted, entry.reason = False, _as_text(refusal.message)
        entry.data = _as_text(entry.data)
        rows.insert(entry)
        raise


def _as_text(value: Any) -> Any:
    """Texts without NUL, which PostgreSQL does not store: so what was refused for it is told."""
    if isinstance(value, dict):
        return {name: _as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value

"""Copies of one ended execution with its step and its events, as many as are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import connection, models

from executions.models import Event, Execution, StepExecution, rows

CHUNK: Final = 100_000
# As executions/models/ids.py makes them: milliseconds, and the rest by chance.
NEW_ID: Final = {
    "sqlite": "printf('%012x', 1000 * strftime('%s')) || lower(hex(randomblob(10)))",
    "postgresql": "(lpad(to_hex((1000 * extract(epoch FROM clock_timestamp()))::bigint), 12, '0')"
    " || right(replace(gen_random_uuid()::text, '-', ''), 20))::uuid",
}


def grow(template: Execution, size: int) -> None:
    """Copy it until there are so many executions in all."""
    while (missing := size - Execution.objects.count()) > 0:
        _copy(template, min(missing, CHUNK))


def _copy(template: Execution, count: int) -> None:
    """The copies of this time have a name that no other has."""
    name = f"Grown {Execution.objects.count()}"
    numbers = (
        "WITH RECURSIVE n (i) AS"  # noqa: S608 - all that is put in is ours, here and below
        f" (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    )
    fixed = {"client_token": "NULL", "document_name": f"'{name}'"}
    _insert(Execution, fixed, "n WHERE t.id = %s", template, numbers)
    for model in (StepExecution, Event):
        others = (
            f"{rows.table(Execution)} e WHERE t.execution_id = %s AND e.document_name = '{name}'"
        )
        _insert(model, {"execution_id": "e.id"}, others, template)


def _insert(
    model: type[models.Model],
    fixed: Mapping[str, str],
    others: str,
    template: Execution,
    numbers: str = "",
) -> None:
    """Copy the template's rows once for each of the others, with these columns instead of its."""
    new = {"id": NEW_ID[connection.vendor], **fixed}
    quote = connection.ops.quote_name
    columns = {quote(name): new.get(name, f"t.{quote(name)}") for name in rows.columns(model)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"{numbers} INSERT INTO {rows.table(model)} ({', '.join(columns)})"  # noqa: S608
            f" SELECT {', '.join(columns.values())} FROM {rows.table(model)} t, {others}",
            [rows.adapt(template.pk)],
        )

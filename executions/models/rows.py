"""Rows without the ORM's planning, for what every request and every turn does.

Measured, planning costs four fifths of a small statement. The names of tables and columns are the
models' own, and values are adapted as the ORM would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, models

M = TypeVar("M", bound=models.Model)


def read(model: type[M], condition: str, *params: Any) -> list[M]:
    """The rows that meet a condition in SQL, which is a constant of ours with %s in it."""
    sql = f"SELECT * FROM {table(model)} WHERE {condition}"  # noqa: S608 - see above
    manager = model._default_manager  # noqa: SLF001 - Django documents it, as all of these
    return list(manager.raw(sql, [adapt(param) for param in params]))


def hold(model: type[models.Model], key: Any) -> bool:
    """Whether the row is there; it is not deleted before the transaction ends."""
    share = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""  # SQLite has one writer
    with connection.cursor() as cursor:
        sql = f"SELECT 1 FROM {table(model)} WHERE id = %s{share}"  # noqa: S608 - model's name
        cursor.execute(sql, [adapt(key)])
        return cursor.fetchone() is not None


def insert(row: models.Model) -> None:
    """Insert a new row; a key that the database makes stays unknown to it."""
    with connection.cursor() as cursor:
        cursor.execute(insertion(type(row)), values(row))
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001


def insert_all(written: Sequence[models.Model], *, or_update: bool = False) -> None:
    """Insert rows of one model; a row whose id is there already is replaced, if that is asked for.

    PostgreSQL takes them as one value: its driver reads a long statement anew each time.
    """
    model = type(written[0])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_insertion_of_json(model, or_update), [_as_json(written)])
        else:
            cursor.executemany(insertion(model, or_update), [values(row) for row in written])


@lru_cache(maxsize=32)
def insertion(model: type[models.Model], or_update: bool = False) -> str:
    """The statement that takes `values` of a row."""
    marks = ", ".join(["%s"] * len(columns(model)))
    into = f"INSERT INTO {table(model)} ({_listed(model)})"
    return f"{into} VALUES ({marks}){_or_update(model) if or_update else ''}"


@lru_cache(maxsize=32)
def _insertion_of_json(model: type[models.Model], or_update: bool) -> str:
    return (
        f"INSERT INTO {table(model)} ({_listed(model)}) SELECT {_listed(model)}"  # noqa: S608 - names
        f" FROM json_populate_recordset(NULL::{table(model)}, %s)"
        f"{_or_update(model) if or_update else ''}"
    )


def _listed(model: type[models.Model]) -> str:
    return ", ".join(map(connection.ops.quote_name, columns(model)))


def _or_update(model: type[models.Model]) -> str:
    names = [connection.ops.quote_name(name) for name in columns(model) if name != "id"]
    fresh = ", ".join(f"{name} = EXCLUDED.{name}" for name in names)
    return f" ON CONFLICT (id) DO UPDATE SET {fresh}"


def _as_json(written: Sequence[models.Model]) -> str:
    names = columns(type(written[0]))
    listed = [{name: getattr(row, name) for name in names} for row in written]
    return json.dumps(listed, default=str)


def values(row: models.Model) -> list[Any]:
    """The values of a row's columns."""
    return [adapt_one(getattr(row, name)) for name, adapt_one in _adapters(type(row))]


def table(model: type[models.Model]) -> str:
    """The name of its table."""
    return model._meta.db_table  # noqa: SLF001


def columns(model: type[models.Model]) -> list[str]:
    """The names of its columns, without a key that the database makes."""
    return [name for name, _ in _adapters(model)]


@lru_cache(maxsize=32)
def _adapters(model: type[models.Model]) -> list[tuple[str, Callable[[Any], Any]]]:
    """Each column with what its values go through; most are taken as they are."""
    return [
        (field.column, _adapter(field))
        for field in model._meta.concrete_fields  # noqa: SLF001
        if not isinstance(field, models.AutoField)
    ]


def _adapter(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    if isinstance(field, models.ForeignKey):
        return _adapter(field.target_field)
    plain = (models.CharField, models.TextField, models.IntegerField, models.BooleanField)
    return _same if isinstance(field, plain) else adapt


def _same(value: Any) -> Any:
    return value


def adapt(value: Any) -> Any:
    """A value as the driver takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return value

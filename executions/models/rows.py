"""Rows without the ORM's planning, for what every request and every turn does.

Measured, planning costs four fifths of a small statement. The names of tables and columns are the
models' own, and values are adapted as the ORM would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, models

M = TypeVar("M", bound=models.Model)


def read(model: type[M], condition: str, *params: Any) -> list[M]:
    """The rows that meet a condition in SQL, which is a constant of ours with %s in it."""
    sql = f"SELECT {everything(model)} FROM {table(model)} WHERE {condition}"  # noqa: S608 - see above
    return fetch(model, sql, *params)


def fetch(model: type[M], statement: str, *params: Any) -> list[M]:
    """The rows that a statement answers with, each with `everything` of the model."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [adapt(param) for param in params])
        found = cursor.fetchall()
    if not found:
        return []
    names, readers = _readers(model, connection.vendor)
    return [
        model.from_db(
            DEFAULT_DB_ALIAS,
            names,
            [reader(value) for reader, value in zip(readers, row, strict=True)],
        )
        for row in found
    ]


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
    model = type(written[0])
    names, values_of = columns(model), _getter(model)
    listed = [dict(zip(names, values_of(row), strict=True)) for row in written]
    return json.dumps(listed, default=str)


def values(row: models.Model) -> list[Any]:
    """The values of a row's columns."""
    model = type(row)
    adapters = _adapters(model, connection.vendor)
    return [
        adapt_one(value) for adapt_one, value in zip(adapters, _getter(model)(row), strict=True)
    ]


def table(model: type[models.Model]) -> str:
    """The name of its table."""
    return model._meta.db_table  # noqa: SLF001 - Django documents it, as all of these


def columns(model: type[models.Model]) -> list[str]:
    """The names of its columns, without a key that the database makes."""
    return [field.column for field in _written(model)]


@lru_cache(maxsize=32)
def everything(model: type[models.Model]) -> str:
    """All its columns, as SQL lists them."""
    return ", ".join(connection.ops.quote_name(field.column) for field in _fields(model))


def _fields(model: type[models.Model]) -> Sequence[models.Field[Any, Any]]:
    return model._meta.concrete_fields  # noqa: SLF001


@lru_cache(maxsize=32)
def _written(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in _fields(model) if not isinstance(field, models.AutoField)]


@lru_cache(maxsize=32)
def _getter(model: type[models.Model]) -> Callable[[models.Model], tuple[Any, ...]]:
    return attrgetter(*(field.attname for field in _written(model)))


@lru_cache(maxsize=32)
def _adapters(model: type[models.Model], vendor: str) -> list[Callable[[Any], Any]]:
    """What the values of each column go through to the driver."""
    return [_adapter(field, vendor) for field in _written(model)]


def _adapter(field: models.Field[Any, Any], vendor: str) -> Callable[[Any], Any]:
    """Most are taken as they are. A moment and an id are written here faster than Django does."""
    if isinstance(field, models.ForeignKey):
        return _adapter(field.target_field, vendor)
    if isinstance(field, models.DateTimeField):
        return _moment_as_text if vendor == "sqlite" else _same
    if isinstance(field, models.UUIDField):
        return _id_as_text if vendor == "sqlite" else _same
    plain = (models.CharField, models.TextField, models.IntegerField, models.BooleanField)
    return _same if isinstance(field, plain) else adapt


@lru_cache(maxsize=32)
def _readers(
    model: type[models.Model], vendor: str
) -> tuple[list[str], list[Callable[[Any], Any]]]:
    """Its fields, and what the value of each goes through from the driver: as Django has it."""
    fields = _fields(model)
    return [field.attname for field in fields], [_reader(field) for field in fields]


def _reader(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    column = field.get_col(table(field.model))
    found = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]

    def convert(value: Any) -> Any:
        for one in found:
            value = one(value, column, connection)
        return value

    return convert if found else _same


def _same(value: Any) -> Any:
    return value


def _moment_as_text(value: datetime | None) -> str | None:
    return None if value is None else str(value.astimezone(UTC).replace(tzinfo=None))


def _id_as_text(value: UUID | None) -> str | None:
    return None if value is None else value.hex


def adapt(value: Any) -> Any:
    """A value as the driver takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return value

"""The rows of a database as text, and back into the tables of the release that wrote them."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps as of_today
from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

OURS: Final = ("console", "executions", "approvals")


def read_all() -> dict[str, Any]:
    """Every row of our apps: model -> columns and rows."""
    read = {}
    for model in of_today.get_models(include_auto_created=True):
        names = [field.attname for field in model._meta.concrete_fields]
        rows = model._base_manager.order_by("pk").values_list(*names)
        if model._meta.app_label in OURS and rows:
            read[model._meta.label] = {"columns": names, "rows": [list(row) for row in rows]}
    return read


def newest_migrations() -> dict[str, str]:
    """App -> the last migration that this database has had."""
    applied = MigrationRecorder(connection).applied_migrations()
    return {app: max(name for label, name in applied if label == app) for app in OURS}


def put_back(migrations: dict[str, str], tables: dict[str, Any]) -> None:
    """Make the tables as they were after these migrations, and fill them."""
    executor = MigrationExecutor(connection)
    others = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] not in OURS]
    targets = [*others, *migrations.items()]
    executor.migrate(targets)
    then = executor.loader.project_state(targets).apps
    with transaction.atomic():  # runs and their steps point at each other
        filled = [_fill(then, label, **table) for label, table in tables.items()]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), filled):
            cursor.execute(statement)


def _fill(then: Apps, label: str, columns: list[str], rows: list[list[Any]]) -> Any:
    model = then.get_model(label)
    fields = {field.attname: field for field in model._meta.concrete_fields}
    model._base_manager.bulk_create(
        model(
            **{
                name: fields[name].to_python(value)
                for name, value in zip(columns, row, strict=True)
            }
        )
        for row in rows
    )
    return model

"""What happened: the events of an execution, and what people asked for, granted or not."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from executions import clock
from executions.models.executions import Execution


class AppendOnly(models.QuerySet[Any]):
    """Rows are added and read; nothing else."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refused."""
        raise TypeError("The journal is append-only.")

    def delete(self) -> NoReturn:
        """Refused."""
        raise TypeError("The journal is append-only.")


class Event(models.Model):
    """One thing that happened to an execution; `seq` has no gaps, and the live page follows it.

    Written in the transaction of the state that it tells. `kind` is subject:verb, such as
    step:succeeded. `by` is a principal's ARN, empty when the engine acted by itself.
    """

    execution = models.ForeignKey(Execution, models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=32)
    step = models.CharField(max_length=128, blank=True)
    by = models.CharField(max_length=2048, blank=True)
    at = models.DateTimeField(default=clock.now)
    data = models.JSONField(default=dict)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ("seq",)
        constraints = [
            models.UniqueConstraint(fields=("execution", "seq"), name="event_seq"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.step}".strip()


class JournalEntry(models.Model):
    """What a person asked for and what became of it, also when it was refused."""

    at = models.DateTimeField(default=clock.now)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    principal = models.CharField(max_length=2048, blank=True)
    action = models.CharField(max_length=64)  # such as ssm:StartAutomationExecution
    resource = models.CharField(max_length=2048)
    granted = models.BooleanField()
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.action} {'granted' if self.granted else 'refused'}"

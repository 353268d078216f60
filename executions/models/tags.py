"""Small rows of the SSM API: tags, settings of an account, previews."""

from __future__ import annotations

import uuid

from django.db import models

from executions import clock


class Tag(models.Model):
    """A tag; `resource_type` is Document or Automation, as in the SSM API."""

    account_id = models.CharField(max_length=12)
    resource_type = models.CharField(max_length=16)
    resource_id = models.CharField(max_length=256)  # a document's name or an execution's id
    key = models.CharField(max_length=128)
    value = models.CharField(max_length=256, blank=True)

    class Meta:
        ordering = ("key",)
        constraints = [
            models.UniqueConstraint(
                fields=("account_id", "resource_type", "resource_id", "key"), name="tag_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class ServiceSetting(models.Model):
    """An account's setting of the automation service in a Region, where it is not the default."""

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    setting_id = models.CharField(max_length=1000)
    value = models.CharField(max_length=4096)
    changed_at = models.DateTimeField(default=clock.now)
    changed_by = models.CharField(max_length=2048)

    class Meta:
        ordering = ("setting_id",)
        constraints = [
            models.UniqueConstraint(
                fields=("account_id", "region", "setting_id"), name="setting_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.setting_id} = {self.value}"


class ExecutionPreview(models.Model):
    """What a run would do, judged without running it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    principal = models.CharField(max_length=2048)
    region = models.CharField(max_length=32)
    steps = models.JSONField()  # impact type -> number of steps
    targets = models.JSONField(default=list)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"preview {self.id}"

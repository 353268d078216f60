"""Small rows of the SSM API: tags, settings of an account, previews."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Final, Self

from django.db import models

from executions import clock
from executions.errors import BadParameters, Conflict

MOST_TAGS: Final = 50
RESERVED: Final = "aws:"


class TagQuerySet(models.QuerySet["Tag"]):
    """Tags by what they are on: an account's resource, as (type, id)."""

    def of(self, account_id: str, resource: tuple[str, str]) -> Self:
        """Those of one resource."""
        kind, name = resource
        return self.filter(account_id=account_id, resource_type=kind, resource_id=name)

    def by_resource(self, account_id: str, kind: str, ids: Sequence[str]) -> dict[str, list[Tag]]:
        """Those of several resources, by id."""
        found: dict[str, list[Tag]] = {}
        for tag in self.filter(account_id=account_id, resource_type=kind, resource_id__in=ids):
            found.setdefault(tag.resource_id, []).append(tag)
        return found

    def put(self, account_id: str, resource: tuple[str, str], tags: Mapping[str, str]) -> None:
        """Set tags; a key that is there gets the new value. Conflict if they become too many."""
        kind, name = resource
        if reserved := sorted(key for key in tags if key.lower().startswith(RESERVED)):
            raise BadParameters(
                {"tags": [f"{', '.join(reserved)}: keys that begin with aws: belong to AWS."]},
                code="ValidationException",
            )
        for key, value in tags.items():
            self.update_or_create(
                account_id=account_id,
                resource_type=kind,
                resource_id=name,
                key=key,
                defaults={"value": value},
            )
        if self.of(account_id, resource).count() > MOST_TAGS:
            raise Conflict(f"A resource has {MOST_TAGS} tags at most.", code="TooManyTagsError")


class Tag(models.Model):
    """A tag; `resource_type` is Document or Automation, as in the SSM API."""

    account_id = models.CharField(max_length=12)
    resource_type = models.CharField(max_length=16)
    resource_id = models.CharField(max_length=256)  # a document's name or an execution's id
    key = models.CharField(max_length=128)
    value = models.CharField(max_length=256, blank=True)

    objects = TagQuerySet.as_manager()

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

"""The AWS accounts in which Countersign may act, and as which role."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models


class Account(models.Model):
    """An AWS account. An account without a row here is never called.

    `role_arn` is what a step acts as when its document names no role; left empty, such a step
    fails: the worker's own identity is for assuming roles and for nothing else.
    """

    account_id = models.CharField(
        max_length=12,
        primary_key=True,
        validators=[RegexValidator(r"^\d{12}$", "An account id is twelve digits.")],
    )
    name = models.CharField(max_length=64)
    regions = models.JSONField(default=list)
    role_arn = models.CharField(max_length=2048, blank=True)
    # Other roles that documents may name in assumeRole.
    allowed_roles = models.JSONField(default=list, blank=True)
    external_id = models.CharField(max_length=1224, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return f"{self.name} ({self.account_id})"

"""People, the principals they act as, and the policies of those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models

from console.iam import evaluate


def validate_policy(document: Any) -> None:
    """A form's and an import's check of a policy document."""
    try:
        evaluate.check(document)
    except evaluate.InvalidPolicy as problem:
        raise ValidationError(str(problem)) from problem


class Policy(models.Model):
    """An IAM policy under a name."""

    name = models.CharField(max_length=128, unique=True)
    document = models.JSONField(validators=[validate_policy])

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person. What they may do follows from the principal they act as, and from nothing else."""

    _principal: Principal | None = None

    @property
    def principal(self) -> Principal | None:
        """The principal they act as now; the first of theirs unless they chose another."""
        if self._principal is None and self.is_active:
            self._principal = self.principals.order_by("id").first()
        return self._principal

    def act_as(self, arn: str) -> bool:
        """Act as another of their own principals; False if it is not theirs."""
        self._principal = self.principals.filter(arn=arn).first()
        return self._principal is not None

    def act_as_loaded(self, principal: Principal, documents: Sequence[Mapping[str, Any]]) -> None:
        """Act as a principal of theirs that was read together with its policies."""
        principal.documents = documents
        self._principal = principal

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether an IAM action such as ``ssm:GetDocument`` is allowed on an ARN.

        There is no way around the policies: being a superuser does not count for IAM actions.
        """
        if ":" not in perm:
            return super().has_perm(perm, obj)
        principal = self.principal
        return self.is_active and principal is not None and principal.allows(perm, str(obj))


class Principal(models.Model):
    """An IAM user or a role session, and the person who is it."""

    arn = models.CharField(max_length=2048, unique=True)
    user = models.ForeignKey(User, models.PROTECT, related_name="principals")
    policies = models.ManyToManyField(Policy, related_name="principals", blank=True)
    documents: Sequence[Mapping[str, Any]] | None = None  # of its policies, if they were read

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.arn

    @property
    def account_id(self) -> str:
        """The account that it belongs to."""
        return self.arn.split(":")[4]

    def allows(self, action: str, resource: str) -> bool:
        """Whether its policies allow the action on the resource."""
        documents = self.documents
        if documents is None:
            documents = [policy.document for policy in self.policies.all()]
        return evaluate.evaluate(documents, action, resource) is evaluate.Decision.ALLOW


class AccessKey(models.Model):
    """A key with which programs sign as a principal. The secret is kept encrypted."""

    key_id = models.CharField(max_length=32, unique=True)
    principal = models.ForeignKey(Principal, models.PROTECT, related_name="access_keys")
    secret = models.TextField()  # as console/iam/keys.py encrypts it
    description = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.key_id

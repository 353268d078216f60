"""Documents and their versions. A version is stored verbatim and never changes."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from executions import clock

AMAZON = "Amazon"
EVERYONE = "all"
NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")


class DocumentQuerySet(models.QuerySet["Document"]):
    """Which documents, for whom."""

    def visible_to(self, account_id: str) -> DocumentQuerySet:
        """The predefined ones, the account's own, and those shared with it."""
        shared = Exists(
            DocumentPermission.objects.filter(
                document=OuterRef("pk"), account_id__in=(account_id, EVERYONE)
            )
        )
        return self.filter(Q(owner__in=(AMAZON, account_id)) | shared)


class Document(models.Model):
    """A runbook by name. `owner` is an account id, or Amazon for the predefined ones."""

    owner = models.CharField(max_length=12)
    name = models.CharField(max_length=128)
    target_type = models.CharField(max_length=200, blank=True)
    default_version = models.PositiveIntegerField(default=1)
    latest_version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=("owner", "name"), name="document_owner_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def arn(self, region: str) -> str:
        """The document's ARN; those of Amazon have an empty account."""
        account = "" if self.owner == AMAZON else self.owner
        return f"arn:aws:ssm:{region}:{account}:document/{self.name}"

    def versions_for(self, account_id: str) -> VersionQuerySet:
        """Those that an account may use: of a document that is shared with it, what is shared."""
        versions = DocumentVersion.objects.filter(document=self)
        if self.owner in (AMAZON, account_id):
            return versions
        shared = set(
            self.permissions.filter(account_id__in=(account_id, EVERYONE)).values_list(
                "shared_version", flat=True
            )
        )
        if "$ALL" in shared:
            return versions
        return versions.filter(number__in=[self.number(one) for one in shared])

    def version(self, wanted: str, account_id: str) -> DocumentVersion:
        """One that an account may use: by number, ``$DEFAULT`` or ``$LATEST``; or DoesNotExist."""
        return self.versions_for(account_id).get(number=self.number(wanted))

    def number(self, wanted: str) -> int:
        """The number that a text means; 0, which no version has, if it means none."""
        default, latest = self.default_version, self.latest_version
        names = {"$DEFAULT": default, "$LATEST": latest, "": default}
        return names.get(wanted) or (int(wanted) if NUMBER.fullmatch(wanted) else 0)


class VersionQuerySet(models.QuerySet["DocumentVersion"]):
    """Versions are added and read; nothing else."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refused: what was approved must stay what it was."""
        raise TypeError("A document version never changes; add a new one.")


class DocumentVersion(models.Model):
    """One version's text, byte for byte, with its SHA-256."""

    document = models.ForeignKey(Document, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.TextField()
    format = models.CharField(max_length=4, choices=(("YAML", "YAML"), ("JSON", "JSON")))
    sha256 = models.CharField(max_length=64)
    description = models.TextField(blank=True)
    version_name = models.CharField(max_length=128, blank=True)
    display_name = models.CharField(max_length=1024, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_by_arn = models.CharField(max_length=2048, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ("-number",)
        constraints = [
            models.UniqueConstraint(fields=("document", "number"), name="version_number"),
            models.UniqueConstraint(fields=("document", "sha256"), name="version_content"),
            models.UniqueConstraint(
                fields=("document", "version_name"),
                condition=~Q(version_name=""),
                name="version_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document.name}:{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save is refused."""
        if not self._state.adding:
            raise TypeError("A document version never changes; add a new one.")
        super().save(*args, **kwargs)


class AttachmentContent(models.Model):
    """The bytes of a file, stored once however many versions have it attached."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    data = models.BinaryField()

    def __str__(self) -> str:
        return self.sha256


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Attachments are added and read; nothing else."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refused: what was approved must stay what it was."""
        raise TypeError("An attachment never changes; add a new version of its document.")


class Attachment(models.Model):
    """A file that belongs to a version, under the name that the document's `files` gives it."""

    version = models.ForeignKey(DocumentVersion, models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=128)
    size = models.PositiveIntegerField()  # in bytes
    content = models.ForeignKey(AttachmentContent, models.PROTECT, related_name="+")

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=("version", "name"), name="attachment_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.version}"

    @property
    def sha256(self) -> str:
        """The digest of its bytes, in hex."""
        return self.content_id


class RepeatableStep(models.Model):
    """Somebody vouches that a step of a version may be sent again after a lost answer."""

    version = models.ForeignKey(DocumentVersion, models.CASCADE, related_name="repeatable_steps")
    step = models.CharField(max_length=128)
    reason = models.TextField()
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    declared_by_arn = models.CharField(max_length=2048)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("step",)
        constraints = [
            models.UniqueConstraint(fields=("version", "step"), name="repeatable_step"),
        ]

    def __str__(self) -> str:
        return f"{self.step} of {self.version}"


class DocumentPermission(models.Model):
    """An account that a document is shared with, or everyone."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="permissions")
    account_id = models.CharField(max_length=12)
    shared_version = models.CharField(max_length=8, default="$DEFAULT")

    class Meta:
        ordering = ("account_id",)
        constraints = [
            models.UniqueConstraint(fields=("document", "account_id"), name="permission_account"),
        ]

    def __str__(self) -> str:
        return f"{self.document} for {self.account_id}"

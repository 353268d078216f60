"""Links to attachments, as AWS pre-signs them: whoever has one may read the file for a while.

A link is good for an hour, and for no longer than the person for whom it was made may read the
document: that is asked again whenever it is used.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model
from django.core import signing
from django.urls import reverse

from executions import clock
from executions.errors import NotFound
from executions.models import Attachment

if TYPE_CHECKING:
    from console.iam.models import User

LASTING: Final = timedelta(hours=1)
SALT: Final = "countersign.attachment"


def make_link(attachment: Attachment, *, region: str, by: User) -> str:
    """The path of a link to a file that the person may read now."""
    until = int((clock.now() + LASTING).timestamp())
    arn = by.principal.arn if by.principal else ""
    token = signing.dumps([attachment.pk, region, by.pk, arn, until], salt=SALT)
    return reverse("attachment", args=[token])


def follow(token: str) -> Attachment:
    """The file that a link leads to; NotFound if it is forged or too old, or may not be read."""
    try:
        pk, region, person, arn, until = signing.loads(token, salt=SALT)
    except signing.BadSignature as error:
        raise NotFound("This is no link to an attachment.") from error
    found = Attachment.objects.select_related("version__document", "content").filter(pk=pk).first()
    if clock.now().timestamp() > until or not found or not _may_read(found, region, person, arn):
        raise NotFound("This link to an attachment has ended. Ask for a new one.")
    return found


def _may_read(attachment: Attachment, region: str, person: Any, arn: str) -> bool:
    user: User | None = get_user_model().objects.filter(pk=person, is_active=True).first()
    if user is None or not user.act_as(arn) or user.principal is None:
        return False
    document = attachment.version.document
    usable = document.versions_for(user.principal.account_id)
    return usable.filter(pk=attachment.version_id).exists() and user.has_perm(
        "ssm:GetDocument", document.arn(region)
    )

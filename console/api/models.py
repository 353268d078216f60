"""Requests that were carried out: a request that changes something has its effect once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, models

from console.api.sigv4 import SKEW
from executions import clock

# From the first moment at which a signature may be used to the last.
KEPT: Final = 2 * SKEW
# A date has seconds only: what botocore signs twice within one has the same signature, and only
# headers that it adds after that tell the two apart. They are believed for as long as such
# requests may be on their way.
TWINS: Final = timedelta(seconds=10)
USE: Final = """
    INSERT INTO console_signedrequest (signature, sent_as, at) SELECT %s, %s, %s
    WHERE NOT EXISTS (SELECT 1 FROM console_signedrequest WHERE signature = %s AND at < %s)
    ON CONFLICT DO NOTHING
"""


class SignedRequestQuerySet(models.QuerySet["SignedRequest"]):
    """Requests, as long as they could be sent again."""

    def use(self, signature: str, sent_as: str) -> bool:
        """Keep a request, in the transaction of its effect; False if it was used before.

        `sent_as` is what tells apart requests that were signed in the same second. Not by the
        ORM: this waits for the same request that is not committed yet, and needs no savepoint.
        """
        now = clock.now()
        at, old = map(connection.ops.adapt_datetimefield_value, (now, now - TWINS))
        with connection.cursor() as cursor:
            cursor.execute(USE, [signature, sent_as, at, signature, old])
            return bool(cursor.rowcount == 1)

    def forget_old(self) -> None:
        """Drop those that are too old to be sent again."""
        self.filter(at__lt=clock.now() - KEPT).delete()


class SignedRequest(models.Model):
    """One request that was carried out."""

    signature = models.CharField(max_length=64)
    sent_as = models.CharField(max_length=128)
    at = models.DateTimeField(db_index=True)

    objects = SignedRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("signature", "sent_as"), name="signed_request"),
        ]

    def __str__(self) -> str:
        return self.signature

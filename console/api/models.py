"""Signatures that were used: a request that changes something has its effect once."""

from __future__ import annotations

from typing import Final

from django.db import connection, models

from console.api.sigv4 import SKEW
from executions import clock

# From the first moment at which a signature may be used to the last.
KEPT: Final = 2 * SKEW


class SignedRequestQuerySet(models.QuerySet["SignedRequest"]):
    """Signatures, as long as they could be used again."""

    def use(self, signature: str) -> bool:
        """Keep a signature, in the transaction of what it asks for; False if it was used before.

        Not by the ORM: this waits for another use that is not committed yet, and neither ends
        the transaction nor needs a savepoint.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO console_signedrequest (signature, at) VALUES (%s, %s)"
                " ON CONFLICT DO NOTHING",
                [signature, connection.ops.adapt_datetimefield_value(clock.now())],
            )
            return bool(cursor.rowcount == 1)

    def forget_old(self) -> None:
        """Drop those that are too old to be sent again."""
        self.filter(at__lt=clock.now() - KEPT).delete()


class SignedRequest(models.Model):
    """The signature of a request that was carried out."""

    signature = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField(db_index=True)

    objects = SignedRequestQuerySet.as_manager()

    def __str__(self) -> str:
        return self.signature

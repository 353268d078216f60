"""What a call's answer says about its effect decides everything after it.

(a response)      it happened
AwsRefused        it did not: AWS said no, and why
Throttled         it did not: AWS did not look at it
NotSent           it did not: it never left
OutcomeUnknown    it may have: the answer was lost, or AWS failed while working
"""

from __future__ import annotations


class AwsError(Exception):
    """Any of the answers below; `code` and the text are AWS's where it gave them."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code or type(self).__name__


class AwsRefused(AwsError):
    """AWS said no: nothing happened."""


class Throttled(AwsError):
    """AWS did not look at it."""


class NotSent(AwsError):
    """It never left this host."""


class OutcomeUnknown(AwsError):
    """It may have taken effect."""

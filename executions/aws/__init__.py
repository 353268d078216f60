"""The one door to boto3. botocore makes one attempt; whether to repeat is the engine's to know."""

from __future__ import annotations

from executions.aws.client import CONSOLE, Identity, call, call_time, lend, not_after, refuse_late
from executions.aws.errors import AwsError, AwsRefused, NotSent, OutcomeUnknown, Throttled
from executions.aws.objects import TooLarge, fetch_object
from executions.aws.operations import Effect, Operation, check_request, coerce, operation

__all__ = [
    "CONSOLE",
    "AwsError",
    "AwsRefused",
    "Effect",
    "Identity",
    "NotSent",
    "Operation",
    "OutcomeUnknown",
    "Throttled",
    "TooLarge",
    "call",
    "call_time",
    "check_request",
    "coerce",
    "fetch_object",
    "lend",
    "not_after",
    "operation",
    "refuse_late",
]

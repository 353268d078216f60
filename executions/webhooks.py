"""Posting to a webhook integration: what `aws:invokeWebhook` asks of the engine.

An integration is a SecureString under a path that AWS reserves; its value is JSON with url,
headers, payload and description (AWS, "Creating webhook integrations for Automation"). It is
read for each post and kept nowhere, since address and headers may be secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from executions import aws, egress
from executions.actions.base import WEBHOOK

PATH: Final = "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/"
SERVICE, OPERATION = WEBHOOK
JSON_TYPE: Final = "application/json"
ANSWERED_BUSY: Final = 429


@dataclass(frozen=True, slots=True)
class Integration:
    """Where to post, and what to say unless the step says something else."""

    url: str
    headers: Mapping[str, str]
    payload: Any = None


def call_time() -> timedelta:
    """The longest that a post can take, with the read before it."""
    return aws.call_time() + egress.CALL_TIME


def post(identity: aws.Identity, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Post once. Answers with Response and ResponseCode, or raises one of the AwsErrors.

    `request`: IntegrationName, IdempotencyKey, and Body where the step gives one.
    """
    integration = _read(identity, region, request["IntegrationName"])
    headers = {
        "Content-Type": JSON_TYPE,
        **{name.title(): value for name, value in integration.headers.items()},
        "Idempotency-Key": request["IdempotencyKey"],
    }
    body = _encode(request.get("Body", integration.payload))
    aws.refuse_late()
    try:
        answer = egress.post(integration.url, headers, body)
    except egress.Refused as error:
        raise aws.AwsRefused(str(error), "AddressRefused") from error
    except egress.NotSent as error:
        raise aws.NotSent(str(error)) from error
    except egress.EgressError as error:
        raise aws.OutcomeUnknown(str(error)) from error
    if answer.status == ANSWERED_BUSY:
        raise aws.Throttled(f"The webhook is busy: {answer.text[:200]}", "TooManyRequests")
    return {"Response": answer.text, "ResponseCode": answer.status}


def _read(identity: aws.Identity, region: str, name: str) -> Integration:
    """The integration of that name, read as the role of the run."""
    target = aws.operation("ssm", "GetParameter")
    try:
        found = aws.call(identity, region, target, {"Name": PATH + name, "WithDecryption": True})
    except aws.OutcomeUnknown as error:  # a lost read is no lost post
        raise aws.NotSent(str(error), error.code) from error
    parameter = found["Parameter"]
    if parameter.get("Type") != "SecureString":
        raise aws.AwsRefused(f"Integration {name} is not a SecureString.", "IntegrationRefused")
    return _parse(name, parameter["Value"])


def _parse(name: str, text: str) -> Integration:
    refusal = aws.AwsRefused(
        f"Integration {name} is not a JSON object with a url, and headers as a map of texts.",
        "IntegrationRefused",
    )
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise refusal from None  # the error would show the secret
    if not isinstance(value, dict):
        raise refusal
    members = {str(key).lower(): item for key, item in value.items()}
    url, headers = members.get("url"), members.get("headers") or {}
    if not isinstance(url, str) or not isinstance(headers, dict):
        raise refusal
    if not all(isinstance(item, str) for item in headers.values()):
        raise refusal
    return Integration(url, headers, members.get("payload"))


def _encode(body: Any) -> bytes:
    if body is None:
        return b""
    return (body if isinstance(body, str) else json.dumps(body)).encode()

"""Answers to AWS requests, and AWS errors in the shape each protocol asks for."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

# The four ways AWS services write an error down. "query" also serves the REST-XML
# services: botocore reads the same <ErrorResponse> from both.
Style = Literal["ec2", "query", "s3", "json"]

XML_ERRORS: dict[str, str] = {
    "ec2": (
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>{request_id}</RequestID></Response>"
    ),
    "query": (
        "<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message>"
        "</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ),
    "s3": (
        "<Error><Code>{code}</Code><Message>{message}</Message>"
        "<RequestId>{request_id}</RequestId></Error>"
    ),
}
REST_XML_SERVICES = frozenset({"cloudfront", "route53", "s3control"})


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: status, headers in order, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class RefusedError(Exception):
    """What the simulated account refuses, said as AWS says it (code, message, HTTP status)."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def choose_style(service: str, content_type: str) -> Style:
    """How `service` (its boto3 name) writes errors to a request of this content type."""
    if service == "s3":
        return "s3"
    if service == "ec2":
        return "ec2"
    if service in REST_XML_SERVICES or content_type.startswith("application/x-www-form-urlencoded"):
        return "query"
    return "json"


def write_error(style: Style, code: str, message: str, status: int) -> Answer:
    """An AWS error that botocore parses into ClientError with `code` and `message`."""
    request_id = str(uuid.uuid4())
    headers: tuple[tuple[str, str], ...]
    if style == "json":
        body = json.dumps({"__type": code, "message": message})
        headers = (("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code))
    else:
        body = XML_ERRORS[style].format(
            code=escape(code),
            message=escape(message),
            fault="Sender" if status < 500 else "Receiver",
            request_id=request_id,
        )
        headers = (("Content-Type", "text/xml;charset=UTF-8"),)
    return Answer(status, (*headers, ("x-amzn-RequestId", request_id)), body.encode())


def write_json(value: object, status: int = 200) -> Answer:
    """An answer of the simulator's own pages (/sim/...)."""
    return Answer(status, (("Content-Type", "application/json"),), json.dumps(value).encode())


def read_error_code(answer: Answer) -> str | None:
    """The AWS error code in `answer`, or None when it is no error."""
    if answer.status < 400:
        return None
    for name, value in answer.headers:
        if name.lower() == "x-amzn-errortype":
            return value.split(":")[0].split("#")[-1]
    found = re.search(rb'<Code>([^<]+)</Code>|"__type":\s*"([^"]+)"', answer.body)
    if found is None:
        return str(answer.status)
    return (found[1] or found[2]).decode().split("#")[-1]

"""Requests signed by botocore's own signer, at a moment of choice, and ways to spoil them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from console.api import sigv4
from console.api.protocol import CONTENT_TYPE
from console.api.sigv4 import Received

KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
REGION = "us-east-1"
HOST = "ssm.example.com"
LIST = "AmazonSSM.ListDocuments"


def make_request(
    target: str = LIST, body: bytes | Mapping[str, Any] = b"{}", **headers: str
) -> Received:
    """A request that is not signed yet. Names of headers have _ for -."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    more = {name.replace("_", "-"): [value] for name, value in headers.items()}
    usual = {
        "host": [HOST],
        "content-type": [CONTENT_TYPE],
        "x-amz-target": [target],
        "amz-sdk-invocation-id": [str(uuid4())],
    }
    return Received("POST", "/aws/", {**usual, **more}, content)


def sign(
    received: Received,
    key: tuple[str, str] = (KEY, SECRET),
    *,
    at: datetime = NOW,
    region: str = REGION,
    service: str = "ssm",
) -> Received:
    """The same with botocore's signature over all of its headers but the SDK's own."""
    date = f"{at:%Y%m%dT%H%M%SZ}"
    received = with_header(received, "x-amz-date", date)
    url = f"https://{received.headers['host'][0]}{received.target}"
    request = AWSRequest(received.method, url, data=received.body)
    for name, values in received.headers.items():
        for value in values if not name.startswith("amz-sdk-") else []:
            request.headers.add_header(name, value)
    request.context["timestamp"] = date
    signer = SigV4Auth(Credentials(*key), service, region)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    names = signer.signed_headers(signer.headers_to_sign(request))
    scope = f"{key[0]}/{date[:8]}/{region}/{service}/aws4_request"
    return with_authorization(received, scope, names, signer.signature(to_sign, request))


def sign_only(received: Received, names: Iterable[str], *, at: datetime = NOW) -> Received:
    """The same, signed with the right secret over these headers only."""
    date, listed = f"{at:%Y%m%dT%H%M%SZ}", sorted(names)
    received = with_header(received, "x-amz-date", date)
    sent = {name: received.headers.get(name, [""]) for name in listed}
    signature = sigv4.sign(
        replace(received, headers={"x-amz-date": [date], **sent}),
        listed,
        (date[:8], REGION, "ssm"),
        SECRET,
    )
    scope = f"{KEY}/{date[:8]}/{REGION}/ssm/aws4_request"
    return with_authorization(received, scope, ";".join(listed), signature)


def with_authorization(received: Received, scope: str, names: str, signature: str) -> Received:
    """The same with the Authorization of Signature Version 4."""
    return with_header(
        received,
        "authorization",
        f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}",
    )


def with_header(received: Received, name: str, *values: str) -> Received:
    """The same with a header replaced; without it, if there is no value."""
    others = {key: list(value) for key, value in received.headers.items() if key != name}
    return replace(received, headers={**others, **({name: list(values)} if values else {})})


def edit(received: Received, old: str, new: str, name: str = "authorization") -> Received:
    """The same with a part of a header changed; that part must be there."""
    value = received.headers[name][0]
    assert old in value
    return with_header(received, name, value.replace(old, new))

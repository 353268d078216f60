"""Signature Version 4, verified by signing again what was signed.

PURE. AWS, "Signature Version 4 signing process". What must be signed is stricter than what AWS
asks for: without `x-amz-target` under the signature, a body could be sent to another operation.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SKEW: Final = timedelta(minutes=15)
MUST_SIGN: Final = frozenset({"host", "x-amz-date", "x-amz-target"})
AUTHORIZATION: Final = re.compile(
    rf"{ALGORITHM} Credential=([A-Za-z0-9]{{16,128}})/(\d{{8}})/([a-z0-9-]{{1,32}})"
    r"/ssm/aws4_request"
    r",\s*SignedHeaders=([a-z0-9;-]{1,2048}),\s*Signature=([0-9a-f]{64})"
)
DATE: Final = re.compile(r"\d{8}T\d{6}Z")


class Unsigned(Exception):
    """The request proves nothing; `code` is AWS's exception."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in; header names in lower case, as they were sent."""

    method: str
    target: str  # the raw request target
    headers: Mapping[str, list[str]]
    body: bytes

    def one(self, name: str) -> str:
        """The only value of a header; empty if there is none."""
        values = self.headers.get(name, [])
        if len(values) > 1:
            raise Unsigned("IncompleteSignatureException", f"There is more than one {name} header.")
        return values[0].strip() if values else ""


@dataclass(frozen=True, slots=True)
class Signed:
    """Whose request it is, for which Region, and the signature, which no other may bear."""

    key_id: str
    region: str
    signature: str


def verify(received: Received, secret_of: Callable[[str], str | None], now: datetime) -> Signed:
    """Who signed the request; Unsigned with AWS's exception if nobody provably did."""
    authorization = received.one("authorization")
    if not authorization:
        raise Unsigned(
            "MissingAuthenticationTokenException", "The request has no Authorization header."
        )
    match = AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise Unsigned(
            "IncompleteSignatureException",
            f"The Authorization header is not '{ALGORITHM} Credential=KEY/DATE/REGION/ssm/"
            "aws4_request, SignedHeaders=..., Signature=...' .",
        )
    key_id, day, region, names, signature = match.groups()
    signed = names.split(";")
    _check_names(received, signed)
    _check_date(received.one("x-amz-date"), day, now)
    _check_body(received)
    secret = secret_of(key_id)
    # The work is the same for a key that does not exist, and so is the time it takes.
    expected = _sign(received, signed, Credentials(key_id, secret or "-"), region)
    genuine = hmac.compare_digest(expected, signature)
    if secret is None:
        raise Unsigned(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    if not genuine:
        raise Unsigned(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check"
            " your secret access key and signing method.",
        )
    return Signed(key_id, region, signature)


def _check_names(received: Received, signed: list[str]) -> None:
    if signed != sorted(set(signed)):
        raise Unsigned("IncompleteSignatureException", "SignedHeaders must be sorted, each once.")
    if missing := sorted(MUST_SIGN - set(signed)):
        raise Unsigned("InvalidSignatureException", f"{', '.join(missing)} must be signed.")
    if absent := sorted(name for name in signed if name not in received.headers):
        raise Unsigned("InvalidSignatureException", f"Signed, but not sent: {', '.join(absent)}.")
    unsigned = sorted(
        name for name in received.headers if name.startswith("x-amz-") and name not in signed
    )
    if unsigned:
        raise Unsigned("InvalidSignatureException", f"{', '.join(unsigned)} must be signed.")
    if "x-amz-security-token" in received.headers:
        raise Unsigned(
            "UnrecognizedClientException",
            "The security token included in the request is invalid: keys of Countersign have none.",
        )
    for name in (*MUST_SIGN, "content-type", "content-length"):
        received.one(name)


def _check_date(text: str, day: str, now: datetime) -> None:
    if not DATE.fullmatch(text):
        raise Unsigned("IncompleteSignatureException", "x-amz-date must be like 20150830T123600Z.")
    try:
        at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Unsigned("IncompleteSignatureException", "x-amz-date is no date.") from error
    if text[:8] != day:
        raise Unsigned(
            "InvalidSignatureException", "The credential's date is not that of x-amz-date."
        )
    if abs(now - at) > SKEW:
        raise Unsigned(
            "InvalidSignatureException",
            f"Signature expired: {text} is not within 15 minutes of {now:%Y%m%dT%H%M%SZ}.",
        )


def _check_body(received: Received) -> None:
    claimed = received.one("x-amz-content-sha256")
    if claimed and not hmac.compare_digest(claimed, hashlib.sha256(received.body).hexdigest()):
        raise Unsigned(
            "InvalidSignatureException", "x-amz-content-sha256 is not the SHA-256 of the body."
        )


def _sign(received: Received, signed: list[str], credentials: Credentials, region: str) -> str:
    """The signature of these headers and this body by botocore's own signer."""
    host = received.one("host")
    request = AWSRequest(
        method=received.method, url=f"https://{host}{received.target}", data=received.body
    )
    for name in signed:
        for value in received.headers[name]:
            request.headers.add_header(name, value)
    request.context["timestamp"] = received.one("x-amz-date")
    signer = SigV4Auth(credentials, "ssm", region)
    canonical = signer.canonical_request(request)
    return str(signer.signature(signer.string_to_sign(request, canonical), request))

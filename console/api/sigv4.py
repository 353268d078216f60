"""Signature Version 4, verified by signing again what was signed.

PURE. AWS, "Signature Version 4 signing process". What must be signed is stricter than what AWS
asks for: without `x-amz-target` under the signature, a body could be sent to another operation.
The signed `host` is the one that the client used, so a proxy must pass Host on as it came.
Not botocore's own signer: it leaves out headers that other clients sign, such as user-agent, and
costs ten times as much.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "ssm"
SKEW: Final = timedelta(minutes=15)
MUST_SIGN: Final = frozenset({"host", "x-amz-date", "x-amz-target"})
# Read by us, so there may be one of each only.
SINGLE: Final = (*sorted(MUST_SIGN), "x-amz-content-sha256", "content-type", "content-length")
AUTHORIZATION: Final = re.compile(
    rf"{ALGORITHM} Credential=([A-Za-z0-9]{{1,128}})/(\d{{8}})/([a-z0-9-]{{1,32}})"
    r"/([a-z0-9-]{1,32})/aws4_request"
    r",\s*SignedHeaders=([a-z0-9_;-]{1,2048}),\s*Signature=([0-9a-f]{64})",
    re.ASCII,
)
DATE: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


class Unsigned(Exception):
    """The request proves nothing; `code` is AWS's exception."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in: names of headers in lower case, texts in latin-1, as bytes are."""

    method: str
    target: str  # the path as it was sent, with its query
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
            f"The Authorization header is not '{ALGORITHM} Credential=KEY/DATE/REGION/{SERVICE}/"
            "aws4_request, SignedHeaders=..., Signature=...'.",
        )
    key_id, day, region, service, names, signature = match.groups()
    if service != SERVICE:
        raise Unsigned(
            "InvalidSignatureException",
            f"Credential should be scoped to correct service: '{SERVICE}'.",
        )
    signed = names.split(";")
    _check_names(received, signed)
    _check_date(received.one("x-amz-date"), day, now)
    _check_body(received)
    secret = secret_of(key_id)
    scope = (day, region, service)
    # Also for a key that does not exist, so that the time of an answer does not tell.
    genuine = hmac.compare_digest(sign(received, signed, scope, secret or "-"), signature)
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


def sign(
    received: Received, signed: Iterable[str], scope: tuple[str, str, str], secret: str
) -> str:
    """The signature, in hexadecimal, of these headers and the body; scope: day, Region, service."""
    canonical = hashlib.sha256(canonical_request(received, signed)).hexdigest()
    date = received.one("x-amz-date")
    to_sign = "\n".join((ALGORITHM, date, "/".join((*scope, "aws4_request")), canonical))
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def canonical_request(received: Received, signed: Iterable[str]) -> bytes:
    """The canonical request. The target has no query, and its path needs no normalizing."""
    names = tuple(signed)
    lines = [
        *(received.method, received.target, ""),
        *(f"{name}:{','.join(map(_trim, received.headers[name]))}" for name in names),
        *("", ";".join(names), hashlib.sha256(received.body).hexdigest()),
    ]
    return "\n".join(lines).encode("latin-1")


def _trim(value: str) -> str:
    """Without spaces around it, and with one for many within."""
    return " ".join(part for part in value.replace("\t", " ").split(" ") if part)


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
    for name in SINGLE:
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
    """No secret is compared here. All else, such as UNSIGNED-PAYLOAD, is wrong."""
    name = "x-amz-content-sha256"
    digest = hashlib.sha256(received.body).hexdigest()
    if name in received.headers and received.one(name) != digest:
        raise Unsigned("InvalidSignatureException", f"{name} is not the SHA-256 of the body.")

"""Signature Version 4: what botocore signs is verified, and whatever was tampered with is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.api import sigv4
from console.api.sigv4 import Received, Signed, Unsigned
from tests.api.signing import (
    KEY,
    LIST,
    NOW,
    REGION,
    SECRET,
    edit,
    make_request,
    sign,
    sign_only,
    with_header,
)

SAFE = {"host", "x-amz-date", "x-amz-target"}
EMPTY_SHA = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
INCOMPLETE, INVALID = "IncompleteSignatureException", "InvalidSignatureException"
UNKNOWN, MISSING = "UnrecognizedClientException", "MissingAuthenticationTokenException"


def verify(received: Received, **keys: str) -> Signed:
    return sigv4.verify(received, (keys or {KEY: SECRET}).get, NOW)


def test_what_botocore_signs() -> None:
    signed = verify(sign(make_request()))
    assert (signed.key_id, signed.region, len(signed.signature)) == (KEY, REGION, 64)


def test_canonical_request_of_the_manual() -> None:
    """AWS, "Signature Version 4 signing process": the form of a canonical request."""
    headers = {"host": ["h"], "x-amz-date": ["20150830T123600Z"]}
    received = Received("POST", "/aws/", headers, b"")
    assert sigv4.canonical_request(received, ["host", "x-amz-date"]).decode() == (
        "POST\n/aws/\n\nhost:h\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" + EMPTY_SHA
    )


@pytest.mark.parametrize(
    "values",
    [
        ["value1"],
        ["  value1"],
        ["value1 \t "],
        ["a   b   c"],
        ['"a   b"'],
        ["value4", "value1", "value3"],
        ["value2", "value2"],
        ["VALUE"],
        [""],
        ["a,b", "c"],
    ],
)
def test_values_of_headers_as_botocore_writes_them(values: list[str]) -> None:
    received = with_header(make_request(), "my-header1", *values)
    assert verify(sign(received)).key_id == KEY


@given(
    st.dictionaries(
        st.from_regex(r"my-[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True),
        st.lists(st.text("abcXYZ019 \t,;:=/\"'~-_.()", max_size=20), min_size=1, max_size=3),
        max_size=4,
    ),
    st.binary(max_size=200),
)
def test_any_headers_and_body(headers: dict[str, list[str]], body: bytes) -> None:
    received = make_request(body=body)
    for name, values in headers.items():
        received = with_header(received, name, *values)
    assert verify(sign(received)).key_id == KEY


@pytest.mark.parametrize("target", ["/aws/", "/aws"])
def test_path_as_it_was_sent(target: str) -> None:
    assert verify(sign(replace(make_request(), target=target))).key_id == KEY


@pytest.mark.parametrize("body", [b"", b"{}", "ሴ".encode(), b"Param1=value1", b"\xff\x00"])
def test_body_is_hashed_as_bytes(body: bytes) -> None:
    assert verify(sign(make_request(body=body))).key_id == KEY


def test_body_hash_may_be_sent() -> None:
    received = make_request(body=b"", x_amz_content_sha256=EMPTY_SHA)
    assert verify(sign(received)).key_id == KEY


def test_headers_that_botocore_leaves_out_may_be_signed() -> None:
    received = make_request(user_agent="a  client", expect="100-continue")
    assert verify(sign_only(received, SAFE | {"user-agent", "expect"})).key_id == KEY


def test_bytes_that_are_no_ascii() -> None:
    received = make_request(x_amz_meta="é\xa0ÿ")  # as latin-1, which gives the bytes back
    assert verify(sign_only(received, SAFE | {"x-amz-meta"})).key_id == KEY


@pytest.mark.parametrize("separator", [", ", ",", ",  "])
def test_separators_of_the_authorization(separator: str) -> None:
    assert verify(edit(sign(make_request()), ", ", separator)).key_id == KEY


@pytest.mark.parametrize("seconds", [-900, -1, 0, 1, 900])
def test_a_quarter_of_an_hour_either_way(seconds: int) -> None:
    at = NOW + timedelta(seconds=seconds)
    assert verify(sign(make_request(), at=at)).key_id == KEY


@pytest.mark.parametrize("seconds", [-901, 901, 86400, -86400])
def test_longer_is_too_long(seconds: int) -> None:
    at = NOW + timedelta(seconds=seconds)
    assert refusal(sign(make_request(), at=at)) == INVALID


def refusal(received: Received, **keys: str) -> str:
    """AWS's name for why it is refused."""
    with pytest.raises(Unsigned) as raised:
        verify(received, **keys)
    return raised.value.code


def spoil(name: str, *values: str) -> Callable[[Received], Received]:
    """Replaces a header after the signing."""
    return lambda received: with_header(received, name, *values)


def change(old: str, new: str, name: str = "authorization") -> Callable[[Received], Received]:
    """Changes a header after the signing."""
    return lambda received: edit(received, old, new, name)


def signature_of(received: Received) -> str:
    return received.headers["authorization"][0].rpartition("=")[2]


SPOILED: list[tuple[str, str, Callable[[Received], Received]]] = [
    ("body by one byte", INVALID, lambda received: replace(received, body=b"{ ")),
    ("body gone", INVALID, lambda received: replace(received, body=b"")),
    ("method", INVALID, lambda received: replace(received, method="PUT")),
    ("path", INVALID, lambda received: replace(received, target="/aws")),
    ("query added", INVALID, lambda received: replace(received, target="/aws/?a=b")),
    ("target", INVALID, spoil("x-amz-target", "AmazonSSM.DeleteDocument")),
    ("target gone", INVALID, spoil("x-amz-target")),
    ("two targets", INCOMPLETE, spoil("x-amz-target", LIST, LIST)),
    ("two bodies' types", INCOMPLETE, spoil("content-type", "a", "b")),
    ("content type", INVALID, spoil("content-type", "application/x-amz-json-1.0")),
    ("host", INVALID, spoil("host", "evil.example.com")),
    ("two hosts", INCOMPLETE, spoil("host", "ssm.example.com", "evil.example.com")),
    ("date later", INVALID, spoil("x-amz-date", "20150830T123601Z")),
    ("date of another day", INVALID, spoil("x-amz-date", "20150831T123600Z")),
    ("no date", INVALID, spoil("x-amz-date")),
    ("date in another form", INCOMPLETE, spoil("x-amz-date", "2015-08-30T12:36:00Z")),
    ("date that is none", INCOMPLETE, spoil("x-amz-date", "20151399T999999Z")),
    ("date in other digits", INCOMPLETE, spoil("x-amz-date", "٢0150830T123600Z")),
    ("header added", INVALID, spoil("x-amz-meta", "1")),
    ("token added", INVALID, spoil("x-amz-security-token", "token")),
    ("body hash of another body", INVALID, spoil("x-amz-content-sha256", EMPTY_SHA)),
    ("day of the credential", INVALID, change("/20150830/", "/20150829/")),
    ("region", INVALID, change("/us-east-1/", "/eu-west-1/")),
    ("service", INVALID, change("/ssm/", "/s3/")),
    ("no aws4_request", INCOMPLETE, change("/aws4_request", "")),
    ("another end of the scope", INCOMPLETE, change("aws4_request", "aws4_reques")),
    ("unsigned header listed", INVALID, change("content-type;", "content-type;expect;")),
    ("listed twice", INCOMPLETE, change("content-type;", "content-type;content-type;")),
    ("not sorted", INCOMPLETE, change("content-type;host", "host;content-type")),
    ("no headers", INCOMPLETE, change("content-type;host;x-amz-date;x-amz-target", "")),
    ("key in other letters", INCOMPLETE, change("AKIDEXAMPLE", "AKIDEXAMPLÉ")),
    ("key with a NUL", INCOMPLETE, change("AKIDEXAMPLE", "AKIDEXAMPL\0")),
    ("another key", UNKNOWN, change("AKIDEXAMPLE", "AKIDEXAMPLF")),
    ("no key", INCOMPLETE, change("AKIDEXAMPLE", "")),
    ("another algorithm", INCOMPLETE, change("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")),
    ("algorithm in small letters", INCOMPLETE, change("AWS4-HMAC", "aws4-hmac")),
    ("version 2", INCOMPLETE, spoil("authorization", "AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo=")),
    ("bearer", INCOMPLETE, spoil("authorization", "Bearer abc")),
    ("no authorization", MISSING, spoil("authorization")),
    ("empty authorization", MISSING, spoil("authorization", "")),
    ("two authorizations", INCOMPLETE, spoil("authorization", "a", "b")),
    ("more after the end", INCOMPLETE, change("Signature=", "Signature=0")),
    ("no signature", INCOMPLETE, change("Signature=", "Nothing=")),
]


@pytest.mark.parametrize(
    ("code", "spoiled"), [pytest.param(*one[1:], id=one[0]) for one in SPOILED]
)
def test_spoiled(code: str, spoiled: Callable[[Received], Received]) -> None:
    assert refusal(spoiled(sign(make_request()))) == code


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_signature_of_another_length(length: int) -> None:
    received = sign(make_request())
    signature = signature_of(received)
    spoiled = edit(received, signature, (signature * 2)[:length])
    assert refusal(spoiled) == INCOMPLETE


def test_signature_in_capitals() -> None:
    received = sign(make_request())
    signature = signature_of(received)
    assert signature != signature.upper()
    assert refusal(edit(received, signature, signature.upper())) == INCOMPLETE


@given(st.integers(0, 63))
def test_signature_that_differs_in_one_place(place: int) -> None:
    received = sign(make_request())
    signature = signature_of(received)
    digit = "0" if signature[place] != "0" else "1"
    assert refusal(edit(received, signature, signature[:place] + digit + signature[place + 1 :]))


def test_wrong_secret() -> None:
    assert refusal(sign(make_request(), (KEY, SECRET[::-1]))) == INVALID


def test_empty_secret_of_an_unknown_key() -> None:
    assert refusal(sign(make_request(), ("AKIDNOBODY", "-"))) == UNKNOWN


@pytest.mark.parametrize("service", ["s3", "sts", "service"])
def test_signed_for_another_service(service: str) -> None:
    assert refusal(sign(make_request(), service=service)) == INVALID


@pytest.mark.parametrize("name", sorted(SAFE))
def test_what_must_be_signed(name: str) -> None:
    assert refusal(sign_only(make_request(), SAFE - {name})) == INVALID


def test_every_amazon_header_must_be_signed() -> None:
    received = make_request(x_amz_meta="1")
    assert refusal(sign_only(received, SAFE)) == INVALID
    assert verify(sign_only(received, SAFE | {"x-amz-meta"})).key_id == KEY


def test_signed_header_that_was_not_sent() -> None:
    assert refusal(sign_only(make_request(), SAFE | {"x-amz-meta"})) == INVALID


@pytest.mark.parametrize(
    "claim",
    [
        "UNSIGNED-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        EMPTY_SHA,
        EMPTY_SHA.upper(),
        "",
        "é",
    ],
)
def test_body_hash_that_lies_under_the_signature(claim: str) -> None:
    received = make_request(x_amz_content_sha256=claim)
    assert refusal(sign_only(received, SAFE | {"x-amz-content-sha256"})) == INVALID


def test_session_token_even_if_signed() -> None:
    received = sign(make_request(x_amz_security_token="a token of somebody else's key"))
    assert refusal(received) == UNKNOWN


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """And also for a key that does not exist, so that the time of an answer does not tell."""
    compared: list[int] = []

    def compare(one: str, other: str) -> bool:
        compared.append(len(one))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert refusal(sign(make_request(), ("AKIDNOBODY", SECRET))) == UNKNOWN
    assert verify(sign(make_request())).key_id == KEY
    assert compared == [64, 64]

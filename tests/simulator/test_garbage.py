"""Requests no AWS client would send are answered as AWS errors, never as a crash."""

from __future__ import annotations

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from console.simulator import client

FORM = "application/x-www-form-urlencoded"
JSON = "application/x-amz-json-1.1"


def send(endpoint: str, service: str, body: bytes, **headers: str) -> tuple[int, str, bytes]:
    """Status, content type and body of the answer to one signed-looking POST."""
    scope = f"Credential=sim/20261124/eu-west-1/{service}/aws4_request"
    signed = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00"}
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=10)
    try:
        connection.request("POST", "/", body=body, headers={**signed, **headers})
        response = connection.getresponse()
        return response.status, response.headers.get_content_type(), response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("service", "body", "headers"),
    [
        ("ec2", b"", {}),
        ("ec2", b"\xff\xfe\x00", {"Content-Type": FORM}),
        ("ec2", b"Action=", {"Content-Type": FORM}),
        ("ec2", b"Action=StopInstances", {"Content-Type": FORM}),
        ("ec2", b"Action=StopInstances&InstanceId.x=1&InstanceId=2", {"Content-Type": FORM}),
        ("ec2", b"Action=RunInstances&MinCount=many&MaxCount=1", {"Content-Type": FORM}),
        ("sts", b"Action=AssumeRole&Version=2011-06-15", {"Content-Type": FORM}),
        ("ssm", b"{", {"Content-Type": JSON, "X-Amz-Target": "AmazonSSM.GetParameter"}),
        ("ssm", b"[" * 100_000, {"Content-Type": JSON, "X-Amz-Target": "AmazonSSM.GetParameter"}),
        ("ssm", b"[]", {"Content-Type": JSON, "X-Amz-Target": "AmazonSSM."}),
        ("lambda", b"\x00", {}),
        ("nosuchservice", b"{}", {"Content-Type": JSON}),
    ],
)
def test_garbage_is_an_aws_error(
    endpoint: str, service: str, body: bytes, headers: dict[str, str]
) -> None:
    status, content_type, answer = send(endpoint, service, body, **headers)
    assert 400 <= status < 600
    assert content_type != "text/html"
    assert answer
    assert client.calls(endpoint)[-1]["error_code"]


def test_a_length_that_is_no_number_is_no_crash(endpoint: str) -> None:
    status, content_type, _ = send(endpoint, "ec2", b"", **{"Content-Length": "many"})
    assert 400 <= status < 600
    assert content_type != "text/html"

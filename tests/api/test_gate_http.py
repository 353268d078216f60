"""The API over real HTTP: what only a server can get wrong, with requests written by hand."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest

from console.api.endpoint import MOST_HEADER_BYTES
from console.api.protocol import MOST_BYTES
from console.api.sigv4 import Received
from console.iam import keys
from executions import clock
from executions.models import Document
from tests.api.conftest import TWO
from tests.api.signing import LIST, make_request, sign, with_header
from tests.live.conftest import database, database_file, shared_redis, shared_web
from tests.live.rows import make_user
from tests.live.web import Web

__all__ = ["database", "database_file", "shared_redis", "shared_web"]

MEGABYTES_10 = 10 * 1024 * 1024
UNKNOWN, TOO_LARGE = "UnknownOperationException", "RequestEntityTooLargeException"


@dataclass(frozen=True)
class Api:
    """The server, and a key of somebody who may do everything."""

    port: int
    key: tuple[str, str]

    @property
    def host(self) -> str:
        """What a client puts into Host."""
        return f"127.0.0.1:{self.port}"

    def sign(self, target: str = LIST, body: bytes = b"{}", **headers: str) -> Received:
        """A request that is signed now."""
        return self.again(make_request(target, body, host=self.host, **headers))

    def again(self, received: Received) -> Received:
        """The same, signed now."""
        return sign(received, self.key, at=clock.now(), region="eu-west-1")

    def send(self, head: Iterable[str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to lines and bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            lines = "\r\n".join([*head, "connection: close", "", ""])
            connection.sendall(lines.encode("latin-1") + body)
            with connection.makefile("rb") as answer:
                received = answer.read()
        first, _, rest = received.partition(b"\r\n\r\n")
        status, *fields = first.decode("latin-1").split("\r\n")
        headers = dict(field.lower().split(": ", 1) for field in fields)
        return int(status.split()[1]), headers, rest

    def ask(self, received: Received, **change: Any) -> tuple[int, str]:
        """Status and name of the error of a request; `target` and `method` replace its own."""
        received = replace(received, **change)
        headers = {"content-length": [str(len(received.body))], **received.headers}
        return self.error(
            [f"{received.method} {received.target} HTTP/1.1", *written(headers)], received.body
        )

    def error(self, head: Iterable[str], body: bytes) -> tuple[int, str]:
        """Status and name of the error; empty if there was none. Always in AWS's form."""
        status, headers, content = self.send(head, body)
        assert headers["content-type"] == "application/x-amz-json-1.1"
        assert headers["x-amzn-requestid"]
        answer = json.loads(content)
        return status, "" if status == 200 else answer["__type"]


def written(headers: Mapping[str, list[str]]) -> list[str]:
    """Headers as lines."""
    return [f"{name}: {value}" for name, values in headers.items() for value in values]


@pytest.fixture
def api(database: None, shared_web: Web) -> Api:
    """The API of a real web process."""
    principal = make_user("caller").principal
    assert principal
    key, secret = keys.create(principal)
    return Api(shared_web.port, (key.key_id, secret))


@pytest.mark.parametrize("path", ["/aws/", "/aws"])
def test_boto3_needs_nothing_but_the_endpoint(api: Api, path: str) -> None:
    client = boto3.client(
        "ssm",
        endpoint_url=f"http://{api.host}{path}",
        region_name="eu-west-1",
        aws_access_key_id=api.key[0],
        aws_secret_access_key=api.key[1],
    )
    assert client.list_documents(MaxResults=1)["ResponseMetadata"]["RetryAttempts"] == 0


def test_written_by_hand(api: Api) -> None:
    assert api.ask(api.sign()) == (200, "")


def test_wrong_secret(api: Api) -> None:
    wrong = replace(api, key=(api.key[0], "wrong"))
    assert api.ask(wrong.sign()) == (400, "InvalidSignatureException")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods(api: Api, method: str) -> None:
    assert api.ask(api.again(replace(api.sign(), method=method))) == (404, UNKNOWN)


@pytest.mark.parametrize(
    "target",
    [
        *("/aws/?", "/aws/?Action=ListDocuments", "/aws/?X-Amz-Signature=0", "/aws?a=b"),
        *(
            "/aws/x",
            "/aws//",
            "/aws/../aws/",
            "/aws/./",
            "/aw%73/",
            "/%61ws/",
            "/aws/%20",
            "/aws%2f",
        ),
    ],
)
def test_other_paths_and_queries(api: Api, target: str) -> None:
    expected = (200, "") if target == "/aws/?" else (404, UNKNOWN)
    assert api.ask(api.sign(), target=target) == expected


@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1.example.com", "", "a b", "é"])
def test_host_that_is_not_ours(api: Api, host: str) -> None:
    assert api.ask(with_header(api.sign(), "host", host)) == (400, "ValidationException")


def test_two_hosts_and_none(api: Api) -> None:
    received = api.sign()
    two = with_header(received, "host", api.host, api.host)
    assert api.ask(two) == (400, "ValidationException")
    assert api.ask(with_header(received, "host")) == (400, "ValidationException")


def test_target_with_the_host_in_it(api: Api) -> None:
    """The server gives us its path; the host that counts is the signed one."""
    assert api.ask(api.sign(), target=f"http://{api.host}/aws/") == (200, "")
    assert api.ask(api.sign(), target="http://evil.example.com/aws/") == (200, "")


@pytest.mark.parametrize("size", [MOST_BYTES + 1, MEGABYTES_10])
def test_large_body(api: Api, size: int) -> None:
    assert api.ask(api.sign(body=b" " * size)) == (413, TOO_LARGE)


def chunked(*parts: bytes, trailers: bytes = b"") -> bytes:
    """A body in chunks."""
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b"")]
    return b"".join(chunks[:-1]) + b"0\r\n" + trailers + b"\r\n"


def head_of(received: Received) -> list[str]:
    """Its head, for a body in chunks."""
    return ["POST /aws/ HTTP/1.1", "transfer-encoding: chunked", *written(received.headers)]


def test_body_in_chunks(api: Api) -> None:
    assert api.error(head_of(api.sign()), chunked(b"{", b"}")) == (200, "")
    assert api.error(head_of(api.sign()), chunked(b"{", b" }")) == (
        400,
        "InvalidSignatureException",
    )


def test_large_body_in_chunks(api: Api) -> None:
    body = chunked(*[b" " * 65536] * (MEGABYTES_10 // 65536))
    assert api.error(head_of(api.sign()), body) == (413, TOO_LARGE)


def test_trailers_change_nothing(api: Api) -> None:
    trailers = b"x-amz-target: AmazonSSM.DeleteDocument\r\nx-amz-meta: 1\r\n"
    _, _, body = api.send(head_of(api.sign()), chunked(b"{}", trailers=trailers))
    answer = json.loads(body)
    # The server may have read them before us, as headers: then they are unsigned ones.
    assert "DocumentIdentifiers" in answer or "Signature" in answer["__type"]


@pytest.mark.parametrize("size", [MOST_HEADER_BYTES, MEGABYTES_10])
def test_large_header(api: Api, size: int) -> None:
    assert api.ask(with_header(api.sign(), "my-header", "a" * size)) == (413, TOO_LARGE)


def test_folded_header_is_refused_by_the_server(api: Api) -> None:
    head = [*head_of(api.sign()), "my-header: a\r\n  b"]
    status, _, _ = api.send(head, chunked(b"{}"))
    assert status == 400


def test_head_has_no_body(api: Api) -> None:
    status, _, body = api.send(["HEAD /aws/ HTTP/1.1", f"host: {api.host}"], b"")
    assert (status, body) == (404, b"")


def test_signed_request_is_good_for_one_change(api: Api) -> None:
    name = f"Live-{api.key[0]}"
    document = {"Name": name, "Content": TWO, "DocumentType": "Automation"}
    body = json.dumps(document | {"DocumentFormat": "YAML"}).encode()
    received = api.sign("AmazonSSM.CreateDocument", body)
    assert api.ask(received) == (200, "")
    assert api.ask(received) == (400, "InvalidSignatureException")
    assert Document.objects.filter(name=name).count() == 1

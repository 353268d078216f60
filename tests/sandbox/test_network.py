"""The way out of a sandbox: the broker, what it lets through, and boto3 behind it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from executions import sandbox
from executions.sandbox import broker
from tests.sandbox.conftest import Run

HOST = "ec2.eu-west-1.amazonaws.com"
LARGE = 3 * 1024 * 1024


class Echo(BaseHTTPRequestHandler):
    """Answers a POST with its own body."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[str, int]]:
    """A plain HTTP server on this host."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield ("127.0.0.1", server.server_port)
        server.shutdown()


def only(host: str, port: int) -> sandbox.Network:
    """A network in which HOST leads to that place, and nothing else anywhere."""

    def resolve(wanted: str, at: int) -> str:
        if (wanted, at) != (HOST, port):
            raise sandbox.Forbidden(f"not {wanted}")
        return host

    return sandbox.Network(resolve)


def endpoint(host: str, port: int) -> sandbox.Network:
    return sandbox.Network(lambda wanted, at: wanted, (host, port))


def open_socket(path: Path) -> socket.socket:
    """A connection to a broker."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(path))
    return connection


@pytest.fixture
def ask(echo: tuple[str, int]) -> Iterator[socket.socket]:
    """A connection to a broker that lets HOST through, to the echo."""
    with broker.serve(only(*echo), os.geteuid()) as path, open_socket(path) as connection:
        yield connection


def answer(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    return connection.recv(4096)


def test_the_broker_connects_where_it_may(ask: socket.socket, echo: tuple[str, int]) -> None:
    target = f"{HOST.upper()}:{echo[1]}".encode()
    assert answer(ask, b"CONNECT " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n").startswith(
        b"HTTP/1.1 200 "
    )
    ask.sendall(b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")
    assert ask.makefile("rb").read().endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"CONNECT example.com:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT 169.254.169.254:80 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT 127.0.0.1:6379 HTTP/1.1\r\n\r\n", b"403"),
        (b"GET http://ec2.eu-west-1.amazonaws.com/ HTTP/1.1\r\n\r\n", b"405"),
        (b"CONNECT ec2.amazonaws.com HTTP/1.1\r\n\r\n", b"405"),
        (b"CONNECT a@b:443 HTTP/1.1\r\n\r\n", b"405"),
        (b"CONNECT " + b"a" * 9000 + b":443 HTTP/1.1\r\n\r\n", b"405"),
        (b"\x00" * 100 + b"\r\n\r\n", b"405"),
    ],
)
def test_the_broker_refuses_everything_else(
    ask: socket.socket, request_line: bytes, status: bytes
) -> None:
    assert answer(ask, request_line).split(b" ")[1] == status


def test_a_place_that_does_not_answer_is_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        network = endpoint("127.0.0.1", port)
        with broker.serve(network, os.geteuid()) as path, open_socket(path) as connection:
            line = f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode()
            assert answer(connection, line).startswith(b"HTTP/1.1 502 ")


def test_the_socket_is_gone_with_the_broker(echo: tuple[str, int]) -> None:
    with broker.serve(only(*echo), os.geteuid()) as path:
        folder = path.parent
        assert folder.stat().st_mode & 0o77 == 0
    assert not folder.exists()


def test_a_script_finds_the_endpoint_in_its_environment(run: Run, echo: tuple[str, int]) -> None:
    source = f"""
import os, urllib.request
def handler(events, context):
    body = os.urandom({LARGE})
    address = os.environ["AWS_ENDPOINT_URL"]
    answers = [urllib.request.urlopen(address, body).read() == body for _ in range(3)]
    return [address, answers]
"""
    result = run(source, network=endpoint(*echo))
    assert result.payload == [f"http://127.0.0.1:{echo[1]}", [True, True, True]]


def test_boto3_asks_the_endpoint_unmodified(run: Run, echo: tuple[str, int]) -> None:
    source = """
import boto3
def handler(events, context):
    try:
        boto3.client("sqs").list_queues()
    except Exception as error:
        return type(error).__name__
    return "answered"
"""
    keys = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    assert run(source, network=endpoint(*echo), environment=keys).payload == "answered"


def test_boto3_goes_to_aws_through_the_proxy(run: Run, echo: tuple[str, int]) -> None:
    source = """
import boto3
from botocore.config import Config
def handler(events, context):
    quick = Config(retries={"total_max_attempts": 1}, connect_timeout=5)
    found = []
    for region in ("eu-west-1", "us-east-1"):
        try:
            boto3.client("ec2", region_name=region, config=quick).describe_regions()
        except Exception as error:
            found.append(str(error))
    return found
"""
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    seen: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> str:
        seen.append((host, port))
        raise sandbox.Forbidden("not in this test")

    result = run(source, network=sandbox.Network(resolve), environment=keys)
    assert seen == [(HOST, 443), ("ec2.us-east-1.amazonaws.com", 443)]
    assert all("Failed to connect to proxy URL" in text for text in result.payload)


def test_the_rest_of_the_network_is_not_there(run: Run, echo: tuple[str, int]) -> None:
    source = """
import socket
def handler(events, context):
    found = []
    for place in (("169.254.169.254", 80), ("1.1.1.1", 443), ("127.0.0.1", 6379)):
        try:
            socket.create_connection(place, 2).close()
            found.append(place)
        except OSError:
            pass
    return found
"""
    assert run(source, network=endpoint(*echo)).payload == []


def test_connections_that_hang_end_with_the_script(run: Run, echo: tuple[str, int]) -> None:
    source = """
import socket, time
def handler(events, context):
    held = [socket.create_connection(("127.0.0.1", 3128)) for _ in range(60)]
    time.sleep(600)
"""
    before = threading.active_count()
    assert run(source, network=endpoint(*echo), seconds=2).ended is sandbox.Ended.TIMED_OUT
    with socket.create_connection(echo, 5):
        assert threading.active_count() < before + broker.MOST_CONNECTIONS

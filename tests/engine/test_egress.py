"""The door to the web: what it refuses before a connection, and how an answer is taken."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pytest_django import Settings

from executions import egress

HOST = "hooks.example.com"
Serve: TypeAlias = Callable[[bytes], int]


@pytest.fixture(autouse=True)
def _allowed(settings: Settings) -> None:
    settings.EGRESS_HOSTS = ["*"]


@pytest.fixture
def trap(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Whoever connects is noted, and gets no connection."""
    seen: list[Any] = []

    def connect(address: Any, **_: Any) -> socket.socket:
        seen.append(address)
        raise OSError("trapped")

    monkeypatch.setattr("socket.create_connection", connect)
    return seen


def answer_names(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """Let names resolve to these addresses, one round after the other; notes what was asked."""
    asked: list[str] = []
    left = list(rounds)

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "gopher://hooks.example.com/",
        "file:///etc/passwd",
        "//hooks.example.com/",
        "hooks.example.com",
        "https://",
        "https:///path",
        "https://user@hooks.example.com/",
        "https://user:pw@hooks.example.com/",
        "https://hooks.example.com@169.254.169.254/",
        "https://hooks.example.com\\@169.254.169.254/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/a\r\nX: y",
        "https://hooks.example.com/\tb",
        "https://hooks.exam\nple.com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://017700000001/",
        "https://8.8.8.8/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://localhost/",
        "https://a_b.internal/",
        "https://-a.example.com/",
        "https://example.com./",
        "https://exämple.com/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:x/",
        "https://[hooks.example.com/",
    ],
)
def test_an_address_with_tricks_is_refused_before_any_connection(
    trap: list[Any], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    asked = answer_names(monkeypatch, ["93.184.216.34"])
    with pytest.raises(egress.Refused):
        egress.post(url, {}, b"")
    assert (asked, trap) == ([], [])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "255.255.255.255",
        "224.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
        "2001:db8::1",
        "fd00:ec2::254",
        "nonsense",
    ],
)
def test_an_address_that_is_not_public_is_refused(
    trap: list[Any], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    answer_names(monkeypatch, ["93.184.216.34", address])
    with pytest.raises(egress.Refused, match="not a public address"):
        egress.post(f"https://{HOST}/", {}, b"")
    assert trap == []


def test_public_addresses_are_public() -> None:
    assert egress.is_public("93.184.216.34")
    assert egress.is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_a_name_is_resolved_once_and_that_address_is_connected_to(
    trap: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer_names(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    with pytest.raises(egress.NotSent, match="trapped"):
        egress.post(f"https://{HOST}/", {}, b"")
    assert (asked, trap) == ([HOST], [("93.184.216.34", 443)])


def test_a_name_that_does_not_resolve_is_not_sent(
    trap: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror("no such name")

    monkeypatch.setattr("socket.getaddrinfo", fail)
    with pytest.raises(egress.NotSent, match="cannot be resolved"):
        egress.post(f"https://{HOST}/", {}, b"")


@pytest.mark.parametrize(
    ("allowed", "host", "expected"),
    [
        ([], HOST, False),
        (["*"], HOST, True),
        ([HOST], HOST, True),
        ([HOST], HOST.upper(), True),
        (["*.example.com"], HOST, True),
        (["*.example.com"], "example.com", False),
        (["*.example.com"], "badexample.com", False),
        (["example.com"], HOST, False),
    ],
)
def test_only_listed_hosts_are_allowed(
    settings: Settings, allowed: list[str], host: str, expected: bool
) -> None:
    settings.EGRESS_HOSTS = allowed
    assert egress.is_allowed(host) is expected


def test_a_host_that_is_not_listed_is_refused(trap: list[Any], settings: Settings) -> None:
    settings.EGRESS_HOSTS = ["example.org"]
    with pytest.raises(egress.Refused, match="COUNTERSIGN_EGRESS_HOSTS"):
        egress.post(f"https://{HOST}/", {}, b"")
    assert trap == []


@pytest.mark.parametrize(
    "headers",
    [{"Host": "x"}, {"content-length": "0"}, {"A b": "x"}, {"A": "x\r\nB: y"}, {"A": "ä"}],
)
def test_headers_that_change_the_message_are_refused(
    trap: list[Any], headers: dict[str, str]
) -> None:
    with pytest.raises(egress.Refused, match="header"):
        egress.post(f"https://{HOST}/", headers, b"")
    assert trap == []


def read_request(secure: ssl.SSLSocket) -> bytes:
    """All of a request: who closes before has reset the connection."""
    stream = secure.makefile("rb")
    head = b"".join(iter(stream.readline, b"\r\n"))
    length = re.search(rb"Content-Length: (\d+)", head)
    return head + stream.read(int(length[1]) if length else 0)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of our host, with its key in the same file."""
    path: Path = tmp_path_factory.mktemp("tls") / "host.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    command += ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture
def serve(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """`serve(bytes)` answers one request on this host with these bytes; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []
    threads: list[threading.Thread] = []

    def answer(response: bytes) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        plain, _ = listener.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as secure:
                received.append(read_request(secure))
                secure.sendall(response)
        except OSError:  # the client has gone
            return

    def start(response: bytes) -> int:
        thread = threading.Thread(target=answer, args=[response])
        thread.start()
        threads.append(thread)
        return int(listener.getsockname()[1])

    monkeypatch.setattr("executions.egress.resolve", lambda host, port: "127.0.0.1")
    monkeypatch.setattr(
        "executions.egress.tls_context", lambda: ssl.create_default_context(cafile=str(certificate))
    )
    start.received = received  # type: ignore[attr-defined]
    yield start
    for thread in threads:
        thread.join()
    listener.close()


def test_an_answer_is_status_and_text(serve: Serve) -> None:
    port = serve(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
    answer = egress.post(f"https://{HOST}:{port}/a?b=c", {"X-Key": "k"}, b"body")
    assert answer == egress.Answer(201, "ok")
    request = serve.received[0].decode()  # type: ignore[attr-defined]
    assert request.startswith("POST /a?b=c HTTP/1.1\r\n")
    assert f"\r\nHost: {HOST}:{port}\r\n" in request
    assert "\r\nX-Key: k\r\n" in request


def test_a_redirect_is_an_answer_like_any_other(serve: Serve) -> None:
    port = serve(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n")
    assert egress.post(f"https://{HOST}:{port}/", {}, b"").status == 302


def test_an_answer_is_cut_at_its_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.egress.MOST_BYTES", 10)
    port = serve(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000)
    assert egress.post(f"https://{HOST}:{port}/", {}, b"").text == "x" * 10


def test_an_answer_that_breaks_is_lost(serve: Serve) -> None:
    port = serve(b"")
    with pytest.raises(egress.AnswerLost):
        egress.post(f"https://{HOST}:{port}/", {}, b"")


def test_half_an_answer_is_lost(serve: Serve) -> None:
    port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    with pytest.raises(egress.AnswerLost):
        egress.post(f"https://{HOST}:{port}/", {}, b"")


def test_a_certificate_of_another_host_is_not_trusted(serve: Serve) -> None:
    port = serve(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(egress.NotSent, match="no secure connection"):
        egress.post(f"https://other.example.com:{port}/", {}, b"")


def test_an_answer_that_drips_is_cut_off(
    certificate: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server sends a byte now and then, for ever."""
    monkeypatch.setattr("executions.egress.TOTAL_TIME", timedelta(milliseconds=300))
    released = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        plain, _ = listener.accept()
        with context.wrap_socket(plain, server_side=True) as secure:
            read_request(secure)
            try:
                secure.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while not released.wait(0.05):
                    secure.sendall(b"x")
            except OSError:  # cut off, as it should be
                return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with pytest.raises(egress.AnswerLost):
            egress.post(f"https://{HOST}:{listener.getsockname()[1]}/", {}, b"")
    finally:
        released.set()
        thread.join()
        listener.close()

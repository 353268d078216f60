"""The door to the web: a real connection, its certificate, and what is taken of an answer."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from pytest_django import Settings

from executions import egress

HOST = "hooks.example.com"
Serve: TypeAlias = Callable[[bytes], int]


@pytest.fixture(autouse=True)
def _allowed(settings: Settings) -> None:
    settings.EGRESS_HOSTS = ["*"]


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

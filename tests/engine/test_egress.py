"""The door to the web: what it refuses before a connection, and how an answer is taken."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pytest_django import Settings

from executions import egress

HOST = "hooks.example.com"


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

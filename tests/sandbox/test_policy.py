"""Where a script may connect to: AWS at public addresses, or the simulated account alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from executions import sandbox, scripts


@pytest.mark.parametrize(
    ("endpoint", "host", "port", "allowed"),
    [
        ("", "example.com", 443, False),
        ("", "amazonaws.com.example.com", 443, False),
        ("", "evilamazonaws.com", 443, False),
        ("", "ec2.eu-west-1.amazonaws.com", 80, False),
        ("", "169.254.169.254", 443, False),
        ("http://127.0.0.1:5000", "127.0.0.1", 5000, True),
        ("http://127.0.0.1:5000", "127.0.0.1", 5001, False),
        ("http://127.0.0.1:5000", "ec2.eu-west-1.amazonaws.com", 443, False),
        ("https://aws.test:8443", "aws.test", 8443, True),
    ],
)
def test_where_a_script_may_connect_to(endpoint: str, host: str, port: int, allowed: bool) -> None:
    network = scripts._network(endpoint)
    if allowed:
        assert network.resolve(host, port) == host
    else:
        with pytest.raises(sandbox.Forbidden, match=r"[Ss]cripts reach"):
            network.resolve(host, port)


@pytest.mark.parametrize("host", ["ec2.eu-west-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn"])
def test_aws_is_reached_at_public_addresses_only(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    def resolved(address: str) -> Callable[..., list[Any]]:
        return lambda *args, **more: [(2, 1, 6, "", (address, 443))]

    network = scripts._network("")
    monkeypatch.setattr("socket.getaddrinfo", resolved("52.95.1.1"))
    assert network.resolve(host, 443) == "52.95.1.1"
    monkeypatch.setattr("socket.getaddrinfo", resolved("10.0.0.7"))
    with pytest.raises(sandbox.Forbidden, match=r"leads to 10\.0\.0\.7"):
        network.resolve(host, 443)

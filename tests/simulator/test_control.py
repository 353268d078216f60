"""The pages under /sim/: for local programs, with sentences for mistakes."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from console.simulator import client


def ask(
    endpoint: str, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_health(endpoint: str) -> None:
    assert client.health(endpoint)["ready"] is True
    assert client.health(endpoint)["time_scale"] == 0.02


@pytest.mark.parametrize("host", ["countersign.example", "10.0.0.7:4566", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/sim/calls", "/sim/health", "/moto-api/data.json"])
def test_another_host_is_refused(endpoint: str, path: str, host: str) -> None:
    status, answer = ask(endpoint, "GET", path, Host=host)
    assert status == 403
    assert "localhost only" in answer["error"]


def test_localhost_by_name_is_served(endpoint: str) -> None:
    port = urlsplit(endpoint).port
    assert ask(endpoint, "GET", "/sim/health", Host=f"localhost:{port}")[0] == 200


def test_a_web_page_is_refused(endpoint: str) -> None:
    order = json.dumps({"kind": "hang"})
    status, answer = ask(endpoint, "POST", "/sim/faults", order, Origin="https://evil.example")
    assert status == 403
    assert "web page" in answer["error"]
    assert client.faults(endpoint) == []


@pytest.mark.parametrize("body", ["{", "", "\x00", "[" * 5000])
def test_bad_json_is_a_sentence(endpoint: str, body: str) -> None:
    status, answer = ask(endpoint, "POST", "/sim/faults", body)
    assert status == 400
    assert answer["error"].startswith("The body is not JSON")


def test_json_of_the_wrong_kind_is_a_sentence(endpoint: str) -> None:
    status, answer = ask(endpoint, "POST", "/sim/faults", '"hang"')
    assert (status, answer["error"]) == (400, "Fault 1 must be a JSON object.")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/sim/nothing"), ("POST", "/sim/calls"), ("PUT", "/sim/faults"), ("GET", "/sim")],
)
def test_what_is_not_there_is_said(endpoint: str, method: str, path: str) -> None:
    status, answer = ask(endpoint, method, path)
    assert status == 404
    assert method in answer["error"]
    assert path in answer["error"]


def test_the_pages_are_not_calls(endpoint: str) -> None:
    client.health(endpoint)
    assert client.calls(endpoint) == []

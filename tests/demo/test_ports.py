"""Ports: the one that was asked for or a sentence, else the next free one."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from console.demo import ports
from console.demo.options import Trouble


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]


def test_asked_port_is_given_if_it_is_free() -> None:
    port = ports.unused()
    assert ports.choose(port) == port


def test_asked_port_that_is_taken_is_refused(taken: int) -> None:
    with pytest.raises(Trouble, match=f"Port {taken} is used by another program. Choose another"):
        ports.choose(taken)


def test_without_wish_the_next_free_port_is_taken(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "FIRST", taken)
    monkeypatch.setattr(ports, "LAST", taken + 50)
    assert taken < ports.choose(None) <= taken + 50


def test_no_free_port_is_explained(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "FIRST", taken)
    monkeypatch.setattr(ports, "LAST", taken)
    with pytest.raises(Trouble, match=r"are taken\. Choose one with --port"):
        ports.choose(None)


def test_nobody_answers_on_an_unused_port() -> None:
    assert not ports.answers(ports.unused(), "/")

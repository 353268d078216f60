"""Doing things at the same moment, in threads with connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from django.db import connection

from executions.errors import Refused

Try: TypeAlias = Callable[[], object]


def at_once(tries: Sequence[Try]) -> list[object]:
    """Do each in its thread, released together; a refusal is an answer too."""
    return [answers[0] for answers in in_rounds([[one] for one in tries])]


def led_by(leader: Try, followers: Sequence[Try]) -> list[object]:
    """The same, but the followers are released by the leader's first UPDATE.

    So each of several outcomes can be made to occur; it stays a race. The leader's answer is first.
    """
    go = threading.Event()

    def lead() -> object:
        try:
            with connection.execute_wrapper(_releasing(go)):
                return leader()
        finally:
            go.set()

    def following(one: Try) -> Try:
        return lambda: go.wait(60) and one()

    return at_once([lead, *[following(one) for one in followers]])


def race(number: int, tries: Sequence[Try]) -> list[object]:
    """One round of a race of two or four, by its number. The answers, in the order of `tries`.

    In turn one of them is a moment ahead; in every third round nobody is.
    """
    if number % 3 == 0:
        return at_once(tries)
    ahead = number % len(tries)
    first, *others = led_by(tries[ahead], [*tries[:ahead], *tries[ahead + 1 :]])
    return [*others[:ahead], first, *others[ahead:]]


def _releasing(go: threading.Event) -> Callable[..., Any]:
    def execute(run: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith('UPDATE "'):  # as the ORM writes it: a claim is not meant
            go.set()
        return run(sql, *args)

    return execute


def in_rounds(tries: Sequence[Sequence[Try]]) -> list[list[object]]:
    """A thread for each sequence; all do their first at once, then their second, and so on."""
    barrier = threading.Barrier(len(tries), timeout=60)

    def run(rounds: Sequence[Try]) -> list[object]:
        answers: list[object] = []
        try:
            connection.ensure_connection()
            for one in rounds:
                barrier.wait()
                try:
                    answers.append(one())
                except Refused as refusal:
                    answers.append(refusal)
        except BaseException:
            barrier.abort()
            raise
        finally:
            connection.close()
        return answers

    with ThreadPoolExecutor(len(tries)) as pool:
        return list(pool.map(run, tries))

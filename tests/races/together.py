"""Doing things at the same moment, in threads with connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from django.db import connection

from executions.errors import Refused

Try: TypeAlias = Callable[[], object]


def at_once(tries: Sequence[Try]) -> list[object]:
    """Do each in its thread, released together; a refusal is an answer too."""
    return [answers[0] for answers in in_rounds([[one] for one in tries])]


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

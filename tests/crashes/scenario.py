"""What a scenario says: what its run acts on and does, and when a person has to be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.crashes.account import Account
from tests.crashes.lives import Life
from tests.engine.steps import Step

Asks = Callable[[Sequence[Life], Counter[str]], bool]


@dataclass(frozen=True)
class Scenario:
    """`prepare` makes what the run acts on, in the account, and answers with the steps."""

    prepare: Callable[[Account], tuple[Step, ...]]
    effects: Mapping[str, int] = field(default_factory=dict)  # operation -> how often, as in a log
    status: str = "Success"
    ends: Mapping[str, str] = field(default_factory=dict)  # step -> status, where it is no Success
    document: Mapping[str, Any] = field(default_factory=dict)  # what it says beside its steps
    # Whether a person is asked, from the lives of its workers and what they ordered.
    asks: Asks = lambda lives, orders: False
    # Seconds for which its step a waits, whoever dies; a takeover takes a while more.
    lasts: int = 0
    is_warm: bool = True  # its workers have clients already
    # How the run ends if a person says that the call took effect, and it had not.
    adopted: str = "Success"
    # The call, as in a fault, that AWS refuses once: the run fails by it, and is run again.
    refused: Mapping[str, Any] = field(default_factory=dict)
    kept: Sequence[str] = ()  # the steps that are not done again then


def died_in(call: str) -> Asks:
    """A call that nothing can tell of: any death between its intent and its outcome."""
    return lambda lives, orders: any(life.died_in == call for life in lives)


def unmade(call: str, most: int) -> Asks:
    """A call that can be looked for: more of them than that were announced and never came."""

    def asks(lives: Sequence[Life], orders: Counter[str]) -> bool:
        told = sum(f"step:call {call}" in name for life in lives for name in _committed(life))
        return told - orders[call] > most

    return asks


def script_stopped(lives: Sequence[Life], orders: Counter[str]) -> bool:
    """A script that was marked as started, and has left no answer."""
    for life in lives:
        if life.died_in == "script:Run":
            since = life.passed[life.passed.index(_committed(life)[-1]) :]
            if "sync .started" in since and "moved .json" not in since:
                return True
    return False


def _committed(life: Life) -> list[str]:
    return [name for name in life.passed if name.startswith("committed ")]

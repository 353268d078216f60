"""Runs that failed half-way and are run again: what is kept, done anew, and asked anew."""

from __future__ import annotations

from typing import Final

from tests.crashes.scenario import Scenario, died_in
from tests.crashes.scenarios import AFTERWARDS, STACK, stack
from tests.engine.runs import make_version
from tests.engine.steps import approve, each, execute, publish

NO_STACK: Final = {"service": "cloudformation", "operation": "CreateStack"}
NO_NEWS: Final = {"service": "sns", "operation": "Publish"}

# Effects are those of both runs. In each, one call of a kind that nothing makes safe to repeat.
AGAIN: Final = {
    "again": Scenario(
        lambda aws: (publish("a"), stack(aws, "b"), AFTERWARDS),
        {"sns:Publish": 1, **STACK},
        refused=NO_STACK,
        kept=("a",),
    ),
    "again with an approval": Scenario(
        lambda aws: (stack(aws, "a"), approve("b", "alice"), publish("c"), AFTERWARDS),
        {"sns:Publish": 1, **STACK},
        asks=died_in("sns:Publish"),
        refused=NO_NEWS,
        kept=("a",),
    ),
    "again with a child": Scenario(
        lambda aws: (
            publish("a"),
            execute("b", make_version(stack(aws, "c")).document.name),
            AFTERWARDS,
        ),
        {"sns:Publish": 1, **STACK},
        refused=NO_STACK,
        kept=("a",),
    ),
    "again in a loop": Scenario(
        lambda aws: (
            each("l", ["x", "y"], publish("a", "{{ l.CurrentIteratorValue }}")),
            AFTERWARDS,
        ),
        {"sns:Publish": 2},
        asks=died_in("sns:Publish"),
        refused={**NO_NEWS, "match": {"Message": "y"}},
        kept=("a",),
    ),
}

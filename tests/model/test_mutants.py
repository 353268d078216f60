"""The model can fail: a planted fault is found, by the promise that it breaks."""

from __future__ import annotations

import pytest

from tests.model.conftest import HUNT
from tests.model.judge import Breach
from tests.model.machine import tell_stories
from tests.model.mutants import MUTANTS
from tests.model.world import World

# Those that the stories were seen to reach; the other faults in mutants.py they reach too rarely.
REACHED = ("send again at once", "go on after an abort")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", REACHED)
def test_a_planted_fault_is_found(
    world: World,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    MUTANTS[name].plant(monkeypatch)
    with pytest.raises(Breach) as caught:
        tell_stories(world, HUNT)
    with capsys.disabled():
        print(f"\n{name}: caught by {caught.value}")  # noqa: T201 - which one is the result
    assert caught.value.name in MUTANTS[name].breaks

"""The model can fail: a planted fault is found, by the promise that it breaks."""

from __future__ import annotations

import pytest

from tests.model.conftest import HUNT
from tests.model.judge import Breach
from tests.model.kinds import KINDS
from tests.model.machine import tell_stories
from tests.model.mutants import MUTANTS
from tests.model.redrive_mutants import REDRIVE_MUTANTS
from tests.model.world import World

PLANTED = MUTANTS | REDRIVE_MUTANTS


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = PLANTED[name]
    mutant.plant(monkeypatch)
    with pytest.raises(Breach) as caught:
        tell_stories(world, KINDS[mutant.kind], HUNT)
    assert caught.value.name in mutant.breaks, str(caught.value)

"""Stories by chance: whatever happens in whatever order, every promise holds."""

from __future__ import annotations

import pytest

from tests.model.conftest import IS_LARGE, STORIES
from tests.model.kinds import KINDS
from tests.model.machine import tell_stories
from tests.model.world import World


@pytest.mark.timeout(36_000 if IS_LARGE else 600)
@pytest.mark.parametrize("kind", KINDS)
def test_every_promise_holds_in_every_story(world: World, kind: str) -> None:
    tell_stories(world, KINDS[kind], STORIES)

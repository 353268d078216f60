"""The same of runs that run another one again; see mutants.py."""

from __future__ import annotations

from typing import Final

from executions import earlier, kept
from tests.model.mutants import Mutant, Patch


def do_again_what_was_done(patch: Patch) -> None:
    """Nothing is kept."""
    patch.setattr(kept, "take_over", lambda turn, row: False)


def take_over_an_approval(patch: Patch) -> None:
    """Who was asked then is not asked again."""
    patch.setattr(earlier, "ANEW", earlier.ANEW - {"aws:approve"})


def take_over_what_was_seen(patch: Patch) -> None:
    """What only reads is kept, as if it changed something."""
    patch.setattr(earlier, "changes", lambda step: step is None or step.action not in earlier.ANEW)


def keep_what_was_done_to_another(patch: Patch) -> None:
    """A step is kept whatever its inputs would be now."""
    patch.setattr(kept, "_is_same", lambda *_: True)


def keep_after_other_deeds(patch: Patch) -> None:
    """What came later is kept, although the run has done something itself."""
    patch.setattr(earlier, "ends_keeping", lambda *_: False)


def run_it_again_twice(patch: Patch) -> None:
    """Nobody looks whether another one went on from there."""
    patch.setattr(earlier, "_why_not_twice", lambda execution: "")


REDRIVE_MUTANTS: Final = {
    "do again what was done": Mutant(do_again_what_was_done, "again", ("again",)),
    "take over an approval": Mutant(take_over_an_approval, "again", ("again", "approvals")),
    "take over what was seen": Mutant(take_over_what_was_seen, "again", ("again",)),
    "keep what was done to another": Mutant(keep_what_was_done_to_another, "again", ("again",)),
    "keep after other deeds": Mutant(keep_after_other_deeds, "again", ("again",)),
    "run it again twice": Mutant(run_it_again_twice, "again", ("again",)),
}

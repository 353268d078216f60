"""What a run keeps of the one that it runs again, written a second time: from plain data.

docs/decisions/0034. As in reference.py, what each step came to is taken as given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.model.reference import FAILURES, Row, Run, Step, counts, places

BADLY: Final = (*FAILURES, "Cancelled")
LASTING: Final = ("aws:sleep", "aws:executeAutomation")


@dataclass(frozen=True, slots=True)
class Deed:
    """A row with its step, and with the inputs that the step had then."""

    row: Row
    step: Step
    inputs: str

    @property
    def place(self) -> tuple[str, int | None]:
        """Which step, in which pass."""
        return self.row.name, self.row.iteration

    @property
    def breaks_off(self) -> bool:
        """Whether a run failed by it or was cancelled at it."""
        failed = self.row.status in FAILURES and counts(self.step)
        return failed or self.row.status == "Cancelled"


def changes(step: Step) -> bool:
    """Whether a step may change something, or waits for a time."""
    if step["action"] == "aws:executeAwsApi":
        return not step["inputs"]["Api"].startswith(("Get", "Describe"))
    return step["action"] in LASTING


@dataclass(frozen=True, slots=True)
class Around:
    """What there is around a run: those that ran it again, and those that its steps started."""

    later: Sequence[Run] = ()
    below: Sequence[Run] = ()
    is_below: bool = False  # a step of another one started it
    is_later: bool = False  # it runs another one again itself


def may_run_again(run: Run, around: Around) -> bool:
    """Whether a run may be run again."""
    if around.is_below or run.status not in BADLY or (around.is_later and not has_acted(run)):
        return False
    ended = all(one.status for one in around.below)
    return ended and not any(goes_on(one) for one in around.later)


def goes_on(run: Run) -> bool:
    """Whether one that runs another one again takes its place: the other can be left alone."""
    return run.status not in BADLY or has_acted(run)


def has_acted(run: Run) -> bool:
    """Whether it has begun to change something itself."""
    return any(changes(deed.step) and not deed.row.kept for deed in _deeds(run))


def explain(before: Run, after: Run) -> str:
    """What is wrong with what `after` has kept of `before`; empty if nothing is."""
    left, over = list(_leaves(before)), False
    for deed in _deeds(after):
        place = -1 if over else _find(left, deed)
        if deed.row.kept != (place >= 0):
            word = "kept" if deed.row.kept else "done again"
            return f"{deed.row.name} (pass {deed.row.iteration}) was {word}"
        if deed.row.kept:
            left = left[place + 1 :]
        else:
            over = over or changes(deed.step) or deed.breaks_off
    return ""


def _leaves(run: Run) -> Iterator[Deed]:
    """What a run has done, until something was not done."""
    for deed in _deeds(run):
        acts = changes(deed.step)
        if deed.breaks_off or (acts and deed.row.status != "Success"):
            return
        if acts:
            yield deed


def _find(left: Sequence[Deed], deed: Deed) -> int:
    """The place of the same step, pass and inputs in what is left; -1 if it is not there."""
    known = [one.place for one in left]
    if not changes(deed.step) or deed.place not in known:
        return -1
    place = known.index(deed.place)
    return place if left[place].inputs == deed.inputs else -1


def _deeds(run: Run) -> Iterator[Deed]:
    """What was done, in the order in which it ended, with what the steps before it had put out."""
    steps, known = places(run.document), dict[str, str]()
    for row in _as_they_ended(run.rows):
        step = steps[row.name]
        yield Deed(row, step, _fill(step["inputs"], known))
        known |= {f"{{{{ {row.name}.{name} }}}}": text for name, text in row.outputs.items()}


def _as_they_ended(rows: Sequence[Row]) -> list[Row]:
    """A loop began before the steps inside it, and ends after them."""
    last = {row.loop: place for place, row in enumerate(rows, start=1) if row.loop}
    numbered = list(enumerate(rows, start=1))
    numbered.sort(key=lambda one: (last.get(one[0], one[0]), one[0] in last))
    return [row for _, row in numbered]


def _fill(inputs: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """The inputs as text, with values for references as far as there are any."""
    text = json.dumps(inputs)
    for reference, value in known.items():
        text = text.replace(reference, str(value))
    return text

"""aws:sleep: wait for a time, or until one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from executions.actions.base import BadInput, BaseAction, Done, Outcome, StepContext, Wait, action
from executions.runbook.types import ActionSpec

LONGEST: Final = timedelta(seconds=604_799)
INPUTS: Final = ("Duration", "Timestamp", "TimeStamp")  # SSM's own schema has the third spelling

_NUMBER = r"([0-9]{1,9}(?:[.,][0-9]{1,9})?)"
_DURATION: Final = re.compile(
    rf"P(?=[0-9T])(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=[0-9])(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.IGNORECASE,
)


@action
class Sleep(BaseAction):
    """AWS, "aws:sleep - Delay an automation"."""

    spec = ActionSpec(
        name="aws:sleep",
        optional=frozenset(INPUTS),
        types=dict.fromkeys(INPUTS, "String"),
        one_of=(frozenset(INPUTS),),
        can_be_cancel_target=False,
    )
    timeout: timedelta | None = None

    def begin(self, ctx: StepContext) -> Outcome:
        """Fix the end once; a crash does not start the sleep again."""
        return _sleep_until(_find_end(ctx), ctx)

    def resume(self, ctx: StepContext) -> Outcome:
        """Look at the clock; somebody may have woken us early."""
        return _sleep_until(datetime.fromisoformat(ctx.state["Until"]), ctx)


def _sleep_until(end: datetime, ctx: StepContext) -> Outcome:
    return Done() if ctx.now >= end else Wait(end, {"Until": end.isoformat()})


def _find_end(ctx: StepContext) -> datetime:
    given = {name: text for name in INPUTS if (text := ctx.text(name).strip())}
    if len(given) != 1:
        raise BadInput("Give either Duration or Timestamp: exactly one of them.")
    name, text = given.popitem()
    delay = parse_duration(text) if name == "Duration" else parse_timestamp(text) - ctx.now
    if delay > LONGEST:
        raise BadInput(f"{name} {text!r} is too far away: a sleep lasts at most 604799 seconds.")
    return ctx.now + max(delay, timedelta())


def parse_duration(text: str) -> timedelta:
    """An ISO 8601 duration in weeks, days, hours, minutes and seconds; BadInput otherwise.

    Years and months are refused: their length depends on the calendar.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise BadInput(
            f"Duration {text!r} is not a non-negative ISO 8601 duration in weeks, days, hours, "
            "minutes and seconds. Write it like PT10M or P1DT12H."
        )
    numbers = [float((number or "0").replace(",", ".")) for number in match.groups()]
    weeks, days, hours, minutes, seconds = numbers
    try:
        return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return timedelta.max


def parse_timestamp(text: str) -> datetime:
    """An ISO 8601 date-time, in UTC if it names no zone; BadInput otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"Timestamp {text!r} is not an ISO 8601 date-time. Write it like 2030-01-31T12:00:00Z."
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

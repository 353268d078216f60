"""aws:sleep: durations, timestamps, and waking up early."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from executions.actions.base import BadInput, Done, StepContext, Wait, registry
from executions.actions.sleep import Sleep, parse_duration, parse_timestamp

MakeContext = Callable[..., StepContext]


def begin(make_context: MakeContext, **inputs: Any) -> object:
    return Sleep().begin(make_context("aws:sleep", inputs))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT0S", 0),
        ("PT10M", 600),
        ("PT30S", 30),
        ("PT1.5S", 1.5),
        ("PT1,5S", 1.5),
        ("PT1H30M", 5_400),
        ("P2D", 172_800),
        ("P1DT12H", 129_600),
        ("P1W", 604_800),
        ("pt5m", 300),
    ],
)
def test_it_reads_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "10",
        "10M",
        "-PT10M",
        "PT-10M",
        "P1M",
        "P1Y",
        "PT10",
        "PT1S ",
        "PT1S2M",
    ],
)
def test_it_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadInput, match="PT10M"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-01-01T13:00:00Z", datetime(2030, 1, 1, 13, tzinfo=UTC)),
        ("2030-01-01T13:00:00", datetime(2030, 1, 1, 13, tzinfo=UTC)),
        ("2030-01-01T13:00:00+02:00", datetime(2030, 1, 1, 11, tzinfo=UTC)),
        ("2030-01-02", datetime(2030, 1, 2, tzinfo=UTC)),
    ],
)
def test_it_reads_timestamps_as_utc_unless_they_name_a_zone(text: str, moment: datetime) -> None:
    assert parse_timestamp(text) == moment


def test_it_refuses_what_is_no_timestamp() -> None:
    with pytest.raises(BadInput, match="'tomorrow' is not an ISO 8601 date-time"):
        parse_timestamp("tomorrow")


def test_it_waits_until_a_stored_time_without_pausing(
    make_context: MakeContext, now: datetime
) -> None:
    end = now + timedelta(minutes=10)
    outcome = begin(make_context, Duration="PT10M")
    assert outcome == Wait(end, {"Until": end.isoformat()}, paused=False)


@pytest.mark.parametrize("name", ["Timestamp", "TimeStamp"])
def test_it_waits_until_a_timestamp_in_either_spelling(
    make_context: MakeContext, now: datetime, name: str
) -> None:
    end = now + timedelta(hours=1)
    outcome = begin(make_context, **{name: "2030-01-01T15:00:00+02:00"})
    assert outcome == Wait(end, {"Until": end.isoformat()})


@pytest.mark.parametrize(
    "inputs",
    [{"Duration": "PT0S"}, {"Timestamp": "2029-12-31T00:00:00Z"}, {"Timestamp": "0001-01-01"}],
)
def test_it_goes_on_at_once_when_there_is_nothing_to_wait_for(
    make_context: MakeContext, inputs: dict[str, str]
) -> None:
    assert begin(make_context, **inputs) == Done()


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"Duration": ""},
        {"Duration": "PT1S", "Timestamp": "2031-01-01T00:00:00Z"},
        {"Timestamp": "2031-01-01T00:00:00Z", "TimeStamp": "2031-01-01T00:00:00Z"},
    ],
)
def test_it_wants_exactly_one_input(make_context: MakeContext, inputs: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="exactly one"):
        begin(make_context, **inputs)


def test_it_takes_an_empty_input_as_not_given(make_context: MakeContext) -> None:
    assert isinstance(begin(make_context, Duration="PT1S", Timestamp=""), Wait)


def test_it_sleeps_for_the_longest_time_aws_allows(
    make_context: MakeContext, now: datetime
) -> None:
    outcome = begin(make_context, Duration="PT604799S")
    assert isinstance(outcome, Wait)
    assert outcome.until == now + timedelta(seconds=604_799)


@pytest.mark.parametrize(
    "inputs",
    [
        {"Duration": "P1W"},
        {"Duration": "P999999999W"},
        {"Duration": "P999999999D"},
        {"Timestamp": "2030-01-08T12:00:00Z"},
        {"Timestamp": "9999-12-31T23:59:59-12:00"},
    ],
)
def test_it_refuses_to_sleep_longer(make_context: MakeContext, inputs: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="at most 604799 seconds"):
        begin(make_context, **inputs)


def test_it_sleeps_on_when_woken_early_and_does_not_start_again(
    make_context: MakeContext, now: datetime
) -> None:
    end = now + timedelta(minutes=10)
    state = {"Until": end.isoformat()}
    early = make_context(
        "aws:sleep", {"Duration": "PT10M"}, state=state, now=now + timedelta(minutes=9)
    )
    assert Sleep().resume(early) == Wait(end, state)


def test_it_ends_when_the_time_has_come(make_context: MakeContext, now: datetime) -> None:
    end = now + timedelta(minutes=10)
    due = make_context(
        "aws:sleep", {"Duration": "PT10M"}, state={"Until": end.isoformat()}, now=end
    )
    assert Sleep().resume(due) == Done()


def test_a_cancelled_run_cannot_jump_to_a_sleep() -> None:
    assert registry.specs()["aws:sleep"].can_be_cancel_target is False
    assert Sleep.timeout is None

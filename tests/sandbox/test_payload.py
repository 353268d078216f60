"""A script's report is a stranger's text: whatever it is, the answer is a result."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.sandbox import Ended, inside, payload


def report(text: str) -> bytes:
    return json.dumps({"payload": text}).encode()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "The script's result is unusable: it is no JSON."),
        (b"\xff", "The script's result is unusable: it is no JSON."),
        (b"[]", "The script failed without a message."),
        (b"{}", "The script failed without a message."),
        (b'{"payload": 3}', "The script failed without a message."),
        (b'{"message": ["a"]}', "['a']"),
        (b"[" * 200_000, "The script's result is unusable: it is nested more than 64 deep."),
        (report("NaN"), "The script's result is unusable: NaN is no JSON."),
        (report("-1e999"), "The script's result is unusable: a number in it is too large."),
        (report("9" * 5000), "The script's result is unusable: it is no JSON."),
        (report('"' + "x" * 100_000 + '"'), "it has 100002 bytes, more than 100 kB"),
        (report('"' + "ü" * 50_000 + '"'), "it has 100002 bytes, more than 100 kB"),
        (report("[" * 66 + "]" * 66), "it is nested more than 64 deep"),
    ],
)
def test_what_cannot_be_used_fails_with_the_reason(raw: bytes, message: str) -> None:
    result = payload.read_report(raw, "log")
    assert (result.ended, result.payload, result.log) == (Ended.FAILED, None, "log")
    assert message in result.message


def test_limits_are_included() -> None:
    largest = "x" * (inside.MOST_BYTES - 2)
    assert payload.read_report(report(f'"{largest}"'), "").payload == largest
    assert payload.read_report(report("[" * 65 + "]" * 65), "").ended is Ended.RETURNED


def test_a_list_is_cut_only_where_it_is_the_value() -> None:
    long = list(range(150))
    assert payload.read_report(report(json.dumps(long)), "").payload == long[:100]
    assert payload.read_report(report(json.dumps({"a": long})), "").payload == {"a": long}


@given(st.binary(max_size=300))
def test_no_bytes_break_it(raw: bytes) -> None:
    assert payload.read_report(raw, "").ended in {Ended.RETURNED, Ended.FAILED}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    )
)
def test_every_value_can_be_stored(value: object) -> None:
    result = payload.read_report(report(json.dumps(value)), "")
    stored = json.dumps(result.payload, allow_nan=False)
    assert "\\u0000" not in stored
    json.dumps(result.payload, ensure_ascii=False).encode()

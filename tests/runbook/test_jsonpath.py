"""Selectors and conversions."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from executions.runbook.convert import to_plain
from executions.runbook.jsonpath import (
    MISSING,
    CannotConvert,
    SelectorError,
    convert,
    extract_outputs,
    is_definite,
    select,
)
from executions.runbook.types import OutputSpec

RESPONSE: dict[str, Any] = {
    "Reservations": [
        {"Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}, "Odd-key": 1}]},
        {"Instances": [{"InstanceId": "i-2", "State": {"Name": "stopped"}}]},
    ],
    "Stacks": [{"Outputs": [{"OutputKey": "A", "OutputValue": "1"}, {"OutputKey": "B"}]}],
    "Outputs": {"pre.ImageId": ["ami-1"], "it's": 2},
    "Null": None,
}


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("$.Reservations[0].Instances[0].State.Name", "running"),
        ("Reservations[0].Instances[0].State.Name", "running"),
        ("$.Reservations.[0].Instances[0].InstanceId", "i-1"),
        ("$.Reservations[-1].Instances[0].InstanceId", "i-2"),
        (" $.Null ", None),
        ("$.Outputs.'pre.ImageId'[0]", "ami-1"),
        ('$.Outputs."pre.ImageId"[0]', "ami-1"),
        ("$.Outputs['pre.ImageId'][0]", "ami-1"),
        ("$.Reservations[0].Instances[0]['Odd-key']", 1),
        ("$.Reservations[0].Instances[0].Odd-key", 1),
        ("$..InstanceId", ["i-1", "i-2"]),
        ("$.Reservations..Instances..InstanceId", ["i-1", "i-2"]),
        ("$.Reservations[*].Instances[*].InstanceId", ["i-1", "i-2"]),
        ("$.Reservations[0:1].Instances[0].InstanceId", ["i-1"]),
        ("$.Stacks[0].Outputs[?(@.OutputKey == 'A')].OutputValue", ["1"]),
        ("$.Stacks[0].Outputs[?(@.OutputKey=='A')].OutputValue", ["1"]),
        ("$.Stacks[0].Outputs[?(@.OutputKey == 'None')].OutputValue", []),
        ("$.Reservations.length()", 2),
        ("$.Nothing", MISSING),
        ("$.Reservations[7]", MISSING),
        ("$.Null.deeper", MISSING),
        ("$..Nothing", []),
        ("$", RESPONSE),
    ],
)
def test_select(selector: str, found: Any) -> None:
    assert select(selector, RESPONSE) == found


@pytest.mark.parametrize(
    "selector",
    [
        "$.a[",
        "",
        "$.a[?(@.b =~ /x/)]",
        "$..a..b..c",
        "$.a | $.b",
        "$.a[?match(@.b, 'x')]",
        "x" * 2000,
    ],
)
def test_selectors_that_are_refused(selector: str) -> None:
    with pytest.raises(SelectorError):
        select(selector, RESPONSE)


@pytest.mark.parametrize(
    ("selector", "definite"),
    [("$.a[0].b", True), ("a", True), ("$", True), ("$..a", False), ("$.a[*]", False)],
)
def test_is_definite(selector: str, definite: bool) -> None:
    assert is_definite(selector) is definite


def test_large_responses_end_in_time() -> None:
    large = {f"k{i}": {"v": list(range(100))} for i in range(5000)}
    began = time.process_time()
    assert select("$.k7.v[3]", large) == 3
    with pytest.raises(SelectorError, match="too costly"):
        select("$..*..*", large)
    with pytest.raises(SelectorError, match="more than 10000 values"):
        select("$.*.v[*]", dict(list(large.items())[:1500]))
    assert time.process_time() - began < 2


def test_deep_responses_are_refused() -> None:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    with pytest.raises(SelectorError):
        select("$..a", deep)


FAILS = object()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", {"String": "7", "StringList": ["7"], "Integer": 7, "Boolean": FAILS}),
        ("True", {"String": "True", "Boolean": True, "Integer": FAILS, "StringMap": FAILS}),
        (7, {"String": "7", "StringList": ["7"], "Integer": 7, "Boolean": FAILS, "MapList": FAILS}),
        (True, {"String": "true", "StringList": ["true"], "Boolean": True, "Integer": FAILS}),
        (["a"], {"String": "a", "StringList": ["a"], "Integer": FAILS, "StringMap": FAILS}),
        ([7], {"Integer": 7, "IntegerList": [7], "String": FAILS, "StringList": FAILS}),
        ([True], {"Boolean": True, "BooleanList": [True], "IntegerList": FAILS}),
        (["a", "b"], {"String": FAILS, "StringList": ["a", "b"], "Integer": FAILS}),
        ({"a": 1}, {"String": '{"a": 1}', "StringMap": {"a": 1}, "MapList": [{"a": 1}]}),
        ([{"a": 1}], {"String": '[{"a": 1}]', "StringList": ['{"a": 1}'], "MapList": [{"a": 1}]}),
        ([{"a": 1}], {"StringMap": FAILS, "Integer": FAILS}),
        (None, {"String": MISSING, "StringList": MISSING, "StringMap": MISSING}),
        (1.5, {"String": "1.5", "Integer": FAILS}),
        ([], {"String": MISSING, "StringList": [], "MapList": [], "StringMap": MISSING}),
        (["a", 1], {"String": FAILS, "StringList": FAILS}),
        ("x", {"Nonsense": FAILS}),
    ],
)
def test_convert(value: Any, expected: dict[str, Any]) -> None:
    for type_name, wanted in expected.items():
        if wanted is FAILS:
            with pytest.raises(CannotConvert, match=type_name):
                convert(value, type_name)
        else:
            result = convert(value, type_name)
            assert (result, type(result)) == (wanted, type(wanted))


def test_outputs_that_match_nothing_are_left_out() -> None:
    specs = [
        OutputSpec("state", "$.Reservations[0].Instances[0].State.Name"),
        OutputSpec("platform", "$.Reservations[0].Instances[0].Platform"),
        OutputSpec("nothing", "$.Null"),
        OutputSpec("ids", "$..InstanceId", "StringList"),
    ]
    assert extract_outputs(specs, RESPONSE) == {"state": "running", "ids": ["i-1", "i-2"]}


def test_to_plain() -> None:
    response = {
        "When": datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        "Day": datetime(2024, 1, 2, tzinfo=UTC).date(),
        "Blob": b"hi",
        "N": (Decimal(5), Decimal("1.5")),
        1: {"x"},
        "Same": [None, True, 1.5, "t"],
    }
    assert to_plain(response) == {
        "When": "2024-01-02T03:04:05+00:00",
        "Day": "2024-01-02",
        "Blob": "aGk=",
        "N": [5, 1.5],
        "1": ["x"],
        "Same": [None, True, 1.5, "t"],
    }

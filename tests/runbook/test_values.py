"""Parameter values from the wire, their constraints, and back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from executions.runbook.types import Parameter
from executions.runbook.values import WHOLE, BadValue, bind, from_wire, to_wire

from .builders import runbook, step


def parameter(type_name: str = "String", **keys: Any) -> Parameter:
    return Parameter("P", type_name, **keys)


@pytest.mark.parametrize(
    ("type_name", "wire", "value"),
    [
        ("String", ["x"], "x"),
        ("String", [""], ""),
        ("String", ["{{ global:REGION }}"], "{{ global:REGION }}"),
        ("StringList", ["a", "b"], ["a", "b"]),
        ("StringList", [], []),
        ("Boolean", ["true"], True),
        ("Boolean", ["False"], False),
        ("Integer", ["42"], 42),
        ("Integer", ["-1"], -1),
        ("StringMap", ['{"a": "b", "c": ["d"]}'], {"a": "b", "c": ["d"]}),
        ("MapList", ['{"a": 1}', '{"b": 2}'], [{"a": 1}, {"b": 2}]),
        ("MapList", ['[{"a": 1}]'], [{"a": 1}]),
        ("MapList", [""], []),
        ("AWS::EC2::Instance::Id", ["i-0123456789abcdef0"], "i-0123456789abcdef0"),
        ("AWS::EC2::Instance::Id", ["mi-0123456789abcdef0"], "mi-0123456789abcdef0"),
        ("AWS::IAM::Role::Arn", [""], ""),
        (
            "List<AWS::EC2::Instance::Id>",
            ["i-01234567", "i-89abcdef"],
            ["i-01234567", "i-89abcdef"],
        ),
    ],
)
def test_wire_to_value_and_back(type_name: str, wire: list[str], value: object) -> None:
    typed = from_wire(parameter(type_name), wire)
    assert typed == value
    assert from_wire(parameter(type_name), to_wire(typed) or wire) == value


@pytest.mark.parametrize(
    ("type_name", "wire", "message"),
    [
        ("String", [], "takes one value, not 0"),
        ("String", ["a", "b"], "takes one value, not 2"),
        ("Boolean", ["yes"], "write true or false"),
        ("Integer", ["1.5"], "write an integer"),
        ("Integer", ["9" * 5000], "write an integer"),
        ("StringMap", ["[]"], "takes a JSON object"),
        ("StringMap", ["{"], "not JSON"),
        ("StringMap", ["[" * 20_000], "nests deeper"),
        ("StringMap", ['{"a": NaN}'], "not JSON"),
        ("StringMap", ['{"a": 1, "a": 2}'], "'a' is written twice"),
        ("StringMap", ['{"a": ' * 60 + "1" + "}" * 60], "nests deeper"),
        ("StringMap", ['{"a": "\\u0000"}'], "NUL"),
        ("String", ["\x00"], "NUL"),
        ("StringList", ["ok", "\ud800"], "surrogate"),
        ("MapList", ["[1]"], "takes JSON objects"),
        ("AWS::EC2::Instance::Id", ["i-1"], "not an AWS::EC2::Instance::Id"),
        ("AWS::S3::Bucket::Name", ["Bucket"], "not an AWS::S3::Bucket::Name"),
        ("AWS::IAM::Role::Arn", ["role/x"], "not an AWS::IAM::Role::Arn"),
        ("List<AWS::EC2::Instance::Id>", ["i-01234567", "x"], "value x"),
    ],
)
def test_values_of_the_wrong_type(type_name: str, wire: list[str], message: str) -> None:
    with pytest.raises(BadValue, match=r"Parameter P") as refused:
        from_wire(parameter(type_name), wire)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("keys", "good", "bad", "message"),
    [
        (
            {"allowed_values": ("a", "b")},
            ["a"],
            ["A"],
            "Parameter P has value A not found in [a, b]",
        ),
        ({"type_name": "Boolean", "allowed_values": (True,)}, ["true"], ["false"], "in [true]"),
        ({"type_name": "Integer", "allowed_values": (1, 2)}, ["2"], ["3"], "in [1, 2]"),
        ({"type_name": "StringList", "allowed_values": ("a",)}, ["a", "a"], ["a", "c"], "value c"),
        ({"allowed_pattern": "[a-z]+"}, ["abc"], ["abc1"], "does not match"),
        ({"allowed_pattern": "^a|b$"}, ["b"], ["ab"], "does not match"),
        ({"allowed_pattern": "a++b"}, ["aab"], ["aa"], "does not match"),
        ({"allowed_pattern": r"\p{Lu}+"}, ["ÄB"], ["ä"], "does not match"),
        ({"allowed_pattern": "(?<first>a)"}, ["a"], ["b"], "does not match"),
        ({"type_name": "Integer", "allowed_pattern": "[0-9]{2}"}, ["12"], ["123"], "not match"),
        ({"type_name": "StringList", "allowed_pattern": "a"}, ["a", "a"], ["a", "b"], "value b"),
        ({"type_name": "StringMap", "allowed_pattern": r"\{.*\}"}, ['{"a": 1}'], ["x"], "JSON"),
        (
            {"type_name": "StringList", "min_items": 1},
            ["a"],
            [],
            "has 0 items; it takes at least 1",
        ),
        ({"type_name": "StringList", "max_items": 1}, ["a"], ["a", "b"], "at most 1"),
        ({"min_chars": 2}, ["ab"], ["a"], "has 1 characters; it takes at least 2"),
        ({"max_chars": 2}, ["ab"], ["abc"], "it takes at most 2"),
    ],
)
def test_constraints(keys: dict[str, Any], good: list[str], bad: list[str], message: str) -> None:
    keys = dict(keys)
    declared = parameter(keys.pop("type_name", "String"), **keys)
    assert to_wire(from_wire(declared, good)) == good
    with pytest.raises(BadValue) as refused:
        from_wire(declared, bad)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*$", "(.*a){25}$", "([a-zA-Z]+)*$", "(a|aa)+$"]
)
def test_evil_patterns_end_in_time(pattern: str) -> None:
    began = time.process_time()
    with pytest.raises(BadValue):
        from_wire(parameter(allowed_pattern=pattern), ["a" * 4000 + "!"])
    assert time.process_time() - began < 0.5


def test_bind_reports_everything_by_parameter() -> None:
    book = runbook(
        step("a"),
        parameters={
            "Need": {"type": "String"},
            "Pick": {"type": "String", "allowedValues": ["x", "y"], "default": "x"},
        },
    )
    bound = bind(book, {"Pick": ["z"], "Zulu": ["1"], "Alpha": ["1"]})
    assert bound.problems == {
        WHOLE: ("Undefined execution inputs: Alpha, Zulu.",),
        "Need": ("Missing required parameter: Need.",),
        "Pick": ("Parameter Pick has value z not found in [x, y].",),
    }
    assert bound.message.startswith("Undefined execution inputs: Alpha, Zulu.")


def test_bind_keeps_supplied_values_apart_from_defaults() -> None:
    book = runbook(
        step("a"),
        parameters={
            "Given": {"type": "Integer"},
            "Name": {"type": "String", "default": "ami-{{ Given }}"},
            "Odd": {"type": "String", "default": "", "allowedPattern": "x+"},
            "Stored": {"type": "String", "default": "{{ ssm:/path/to.it }}"},
        },
    )
    bound = bind(book, {"Given": ["7"]})
    assert bound.problems == {}
    assert bound.values == {"Given": 7}
    assert bound.defaults == {"Name": "ami-{{ Given }}", "Odd": ""}
    assert bound.lookups == {"Stored": "/path/to.it"}
    looked_up = bound.with_looked_up({"Stored": "{{ Given }}"})
    assert looked_up.values == {"Given": 7, "Stored": "{{ Given }}"}
    assert looked_up.lookups == {}


@pytest.mark.parametrize(
    ("type_name", "default", "value"),
    [
        ("StringList", "", []),
        ("StringMap", "", {}),
        ("StringMap", '{"a": "b"}', {"a": "b"}),
        ("MapList", '[{"a": "b"}]', [{"a": "b"}]),
        ("AWS::IAM::Role::Arn", None, ""),
        ("Boolean", False, False),
        ("StringMap", "{{ Other }}", "{{ Other }}"),
        ("MapList", '{"a": "b"}', [{"a": "b"}]),
        ("Integer", 5, 5),
    ],
)
def test_defaults_become_values_of_their_type(type_name: str, default: Any, value: object) -> None:
    book = runbook(step("a"), parameters={"P": {"type": type_name, "default": default}})
    assert bind(book, {}).defaults == {"P": value}


def test_too_much_is_refused() -> None:
    book = runbook(step("a"), parameters={"P": {"type": "String"}})
    assert "bytes; at most 65536" in bind(book, {"P": ["x" * 70_000]}).problems[WHOLE][0]


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, []),
        ("x", ["x"]),
        (True, ["true"]),
        (7, ["7"]),
        (["a", 1, {"b": 2}], ["a", "1", '{"b": 2}']),
        ({"a": "b"}, ['{"a": "b"}']),
        ([], []),
    ],
)
def test_to_wire(value: Any, wire: list[str]) -> None:
    assert to_wire(value) == wire


def test_text_that_is_no_json_stays_for_the_validator_to_refuse() -> None:
    book = runbook(step("a"), parameters={"P": {"type": "StringMap", "default": "{oops"}})
    assert bind(book, {}).defaults == {"P": "{oops"}


@pytest.mark.parametrize("pattern", ["[", "(" * 3000, "x" * 5000, "(?P<a>x)(?P<a"])
def test_patterns_that_cannot_be_read(pattern: str) -> None:
    with pytest.raises(BadValue, match="its pattern is bad"):
        from_wire(parameter(allowed_pattern=pattern), ["x"])


@pytest.mark.parametrize(
    "pattern",
    [
        "((a{1000}){1000}){1000}b",
        "(?:a{300}){300}",
        "a{1000000}",
        "(?x)(a{1000}) {1000}",
        "(a{1000})(?#and again){1000}",
        "((((((a{20}){20}){20}){20}){20}){20})",
    ],
)
def test_repeats_that_would_take_all_memory_are_refused(pattern: str) -> None:
    with pytest.raises(BadValue, match="repeats too often"):
        from_wire(parameter(allowed_pattern=pattern), ["a" * 100])


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^([0-9]{1,3}\.){3}[0-9]{1,3}$", "10.0.0.1"),
        (r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "01234567-0123-0123-0123-0123456789ab"),
        (r"^(?!-)[a-zA-Z0-9-]{1,63}(\.[a-zA-Z0-9-]{1,63}){0,120}$", "a.example.com"),
        (r"^arn:(aws|aws-cn):kms:[a-z0-9-]+:\d{12}:key/[\w-]{36}$|^$", ""),
    ],
)
def test_ordinary_repeats_are_accepted(pattern: str, text: str) -> None:
    assert from_wire(parameter(allowed_pattern=pattern), [text]) == text


def test_many_slow_items_share_one_time_limit() -> None:
    declared = parameter("StringList", allowed_pattern="(?:a|a)*[bc]|a*!")
    began = time.process_time()
    with pytest.raises(BadValue, match="in time"):
        from_wire(declared, ["a" * 16 + "!"] * 2000)
    assert time.process_time() - began < 1

"""Bad input: always an answer in AWS's form, never a 500, and nothing is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
import regex

from console.api import protocol
from console.api.operations import OPERATIONS
from console.api.protocol import MOST_DEPTH, ApiError
from console.api.sigv4 import SKEW
from console.iam.models import User
from tests.api.conftest import TWO, rows
from tests.api.raw import Door, error
from tests.conftest import HandClock

CREATE = "AmazonSSM.CreateDocument"
START = "AmazonSSM.StartAutomationExecution"
LIST = "AmazonSSM.ListDocuments"
GET = "AmazonSSM.GetAutomationExecution"
SERIALIZATION, VALIDATION = "SerializationException", "ValidationException"
NOT_JSON = {
    "no end": b'{"Name": "a"',
    "no quotes": b"{Name: a}",
    "words": b"hello",
    "two values": b"{} {}",
    "comma at the end": b'{"MaxResults": 1,}',
    "comment": b"{} // all",
    "a list": b"[]",
    "a text": b'"text"',
    "a number": b"1",
    "null": b"null",
    "the same key twice": b'{"MaxResults": 1, "MaxResults": 2}',
    "the same key twice within": b'{"Filters": [{"Key": "a", "Key": "b"}]}',
    "not a number": b'{"MaxResults": NaN}',
    "infinity": b'{"MaxResults": -Infinity}',
    "a control character": b'{"NextToken": "a\nb"}',
    "latin-1": '{"NextToken": "é"}'.encode("latin-1"),
    "half of a pair as bytes": b'{"NextToken": "\xed\xa0\x80"}',
    "UTF-16": '{"NextToken": "a"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "bytes": bytes(range(256)),
    "a NUL": b"\x00",
    "a wide number": b'{"MaxResults": ' + b"9" * 5000 + b"}",
    "deep": b'{"Filters": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "as deep as too deep": b'{"Filters": ' + b"[" * MOST_DEPTH + b"]" * MOST_DEPTH + b"}",
}
NOT_VALID: dict[str, tuple[str, Any]] = {
    "unknown member": (LIST, {"Nonsense": 1}),
    "unknown member within": (LIST, {"Filters": [{"Nonsense": 1}]}),
    "members in other letters": (LIST, {"maxresults": 1}),
    "text for a number": (LIST, {"MaxResults": "1"}),
    "true for a number": (LIST, {"MaxResults": True}),
    "fraction": (LIST, {"MaxResults": 1.5}),
    "too small": (LIST, {"MaxResults": 0}),
    "below zero": (LIST, {"MaxResults": -1}),
    "too large": (LIST, {"MaxResults": 51}),
    "far too large": (LIST, {"MaxResults": 10**400}),
    "object for a list": (LIST, {"Filters": {}}),
    "null in a list": (LIST, {"Filters": [None]}),
    "number for a text": (GET, {"AutomationExecutionId": 7}),
    "list for a text": (GET, {"AutomationExecutionId": ["a"]}),
    "missing": (GET, {}),
    "null": (GET, {"AutomationExecutionId": None}),
    "too short": (GET, {"AutomationExecutionId": "a"}),
    "too long": (GET, {"AutomationExecutionId": "a" * 37}),
    "NUL": (CREATE, {"Name": "Two", "Content": TWO, "DisplayName": "a\0b"}),
    "NUL in the content": (CREATE, {"Name": "Two", "Content": TWO + "\0"}),
    "half of a pair": (CREATE, {"Name": "Two", "Content": TWO + "\ud800"}),
    "the other half": (CREATE, {"Name": "Two", "Content": TWO, "VersionName": "\udfff"}),
    "pattern": (CREATE, {"Name": "Two words", "Content": TWO}),
    "new line after a pattern": (CREATE, {"Name": "Two\n", "Content": TWO}),
    "not of the enumeration": (CREATE, {"Name": "Two", "Content": TWO, "DocumentType": "Tale"}),
    "enumeration in other letters": (START, {"DocumentName": "Two", "Mode": "auto"}),
    "empty text": (CREATE, {"Name": "Two", "Content": ""}),
    "token too short": (START, {"DocumentName": "Two", "ClientToken": "a"}),
    "token of another form": (START, {"DocumentName": "Two", "ClientToken": "z" * 36}),
    "text for a list of texts": (START, {"DocumentName": "Two", "Parameters": {"Word": "bye"}}),
    "empty map": (START, {"DocumentName": "Two", "Parameters": {}}),
    "NUL as a key": (START, {"DocumentName": "Two", "Parameters": {"Wo\0rd": ["bye"]}}),
    "half of a pair as a key": (START, {"DocumentName": "Two", "Parameters": {"\ud83d": ["bye"]}}),
    "key too long": (START, {"DocumentName": "Two", "Parameters": {"a" * 51: ["bye"]}}),
    "too many items": (START, {"DocumentName": "Two", "Parameters": {"Word": ["bye"] * 51}}),
    "too many entries": (
        START,
        {"DocumentName": "Two", "Parameters": {f"p{number}": [] for number in range(201)}},
    ),
    "two of a union": (
        "AmazonSSM.StartExecutionPreview",
        {"DocumentName": "Two", "ExecutionInputs": {"Automation": {}, "Manual": {}}},
    ),
}


@pytest.fixture
def door(people: dict[str, User], hand_clock: HandClock) -> Door:
    """The administrator's; there is a document."""
    door = Door(people["administrator"], hand_clock)
    document = {"Name": "Old", "Content": TWO, "DocumentFormat": "YAML"}
    assert door.ask(CREATE, document | {"DocumentType": "Automation"}) == ""
    door.clock.move(seconds=1 + 2 * SKEW.total_seconds())
    return door


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
@pytest.mark.parametrize("target", [LIST, CREATE])
def test_body_that_is_no_json(door: Door, target: str, body: bytes) -> None:
    before = rows()
    assert door.ask(target, body) == SERIALIZATION
    assert rows() == before


@pytest.mark.parametrize(("target", "params"), NOT_VALID.values(), ids=NOT_VALID.keys())
def test_params_that_the_model_does_not_allow(door: Door, target: str, params: Any) -> None:
    before = rows()
    assert door.ask(target, params) == VALIDATION
    assert rows() == before


@pytest.mark.parametrize(
    "target",
    [
        *("ListDocuments", "AmazonSSM.", "AmazonSSM", ".ListDocuments", "AmazonSSM.listDocuments"),
        *("AmazonEC2.ListDocuments", "AmazonSSM.ListDocuments.", "AmazonSSM.Nonsense", ""),
        "AmazonSSM." + "a" * 5000,
    ],
)
def test_target_that_is_no_operation(door: Door, target: str) -> None:
    received = door.sign(target or "-")
    assert error(received) == "UnknownOperationException"


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-amz-json-1.0", "text/plain", ""]
)
def test_content_type(door: Door, content_type: str) -> None:
    assert door.ask(LIST, content_type=content_type) == SERIALIZATION


@pytest.mark.parametrize("content_type", ["; charset=utf-8", ";charset=UTF-8"])
def test_content_type_may_name_its_charset(door: Door, content_type: str) -> None:
    assert door.ask(LIST, content_type=protocol.CONTENT_TYPE + content_type) == ""


@pytest.mark.parametrize("body", [b"", b"{}", b' {"NextToken": null, "Filters": null} '])
def test_nothing_is_no_member(door: Door, body: bytes) -> None:
    assert door.ask(LIST, body) == ""


def test_all_problems_are_named_up_to_twenty() -> None:
    body = json.dumps({"Parameters": {"a" * 60 + str(n): [] for n in range(30)}, "Mode": "x"})
    with pytest.raises(ApiError) as raised:
        protocol.parse(START, protocol.CONTENT_TYPE, body.encode())
    assert 'Missing required parameter in input: "DocumentName"' in raised.value.message
    body = body.replace("{", '{"DocumentName": "Two", ', 1)
    with pytest.raises(ApiError) as raised:
        protocol.parse(START, protocol.CONTENT_TYPE, body.encode())
    assert raised.value.message.startswith("20 validation errors detected: ")
    assert raised.value.message.count("characters are more than 50") == 20


@pytest.mark.parametrize("value", [["x" * 500_000], "y" * 500_000, [["z" * 500_000]]])
def test_message_stays_small(value: Any) -> None:
    body = json.dumps({"AutomationExecutionId": value, "w" * 100_000: 1}).encode()
    with pytest.raises(ApiError) as raised:
        protocol.parse(GET, protocol.CONTENT_TYPE, body)
    assert len(raised.value.message) < 1000


def patterns(shape: Any, seen: frozenset[str] = frozenset()) -> set[tuple[str, int]]:
    """Those of a shape and all that it holds, with the longest text that they are asked about."""
    if shape.name in seen:
        return set()
    parts = [getattr(shape, name) for name in ("member", "key", "value") if hasattr(shape, name)]
    if shape.type_name == "structure":
        parts = list(shape.members.values())
    found = {one for part in parts for one in patterns(part, seen | {shape.name})}
    if pattern := shape.metadata.get("pattern"):
        found.add((pattern, shape.metadata.get("max", protocol.MOST_BYTES)))
    return found


def takes_long(pattern: str, text: str) -> bool:
    """Whether it is not decided within a second, of which microseconds should do."""
    try:
        regex.fullmatch(pattern, text, timeout=1)
    except TimeoutError:
        return True
    return False


def test_no_pattern_of_the_model_takes_long() -> None:
    """They are asked without a time-out, about texts that somebody may have made for them."""
    assert takes_long("(a|aa)+[bc]$", "a" * 2000 + "\x07")
    shapes = [protocol.model().operation_model(name).input_shape for name in OPERATIONS]
    found = {one for shape in shapes for one in patterns(shape)}
    assert len(found) > 10
    parts = ("a", "0", " ", "-", "a-", "a.", "\n")
    texts = [
        (pattern, (part * longest)[: min(longest, 100_000)] + "\x07")
        for pattern, longest in found
        for part in parts
    ]
    assert [pattern for pattern, text in texts if takes_long(pattern, text)] == []

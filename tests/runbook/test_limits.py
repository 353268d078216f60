"""Hostile documents: refused quickly, by the same process, with a sentence."""

from __future__ import annotations

import sys
import time

import pytest

from executions.runbook.parse import dump, parse
from executions.runbook.types import DocumentRefused
from executions.runbook.validate import check

from .builders import ACTIONS, api, document

# CPU seconds; coverage's tracer makes everything some five times slower.
LIMIT = 1.0 if sys.gettrace() else 0.2
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
LONG_TEXT = "a: &a " + "x" * 60_000 + "\n" + "".join(f"b{i}: *a\n" for i in range(90))

BOMBS = {
    "flow nest": "[" * 64_000,
    "flow map nest": "{a: " * 16_000,
    "json nest": '{"a":' * 12_000,
    "json list nest": "[" * 64_000,
    "block nest": "- " * 32_000,
    "question marks": "? " * 32_000,
    "quotes": "'" * 64_000,
    "tags": "!" * 64_000,
    "hashes": "#" * 64_000,
    "percent": "%" * 64_000,
    "tabs": "\t" * 64_000 + "a",
    "anchors": "&a " * 20_000,
    "commas": "[," * 32_000,
    "billion laughs": LAUGHS,
    "repeated text": LONG_TEXT,
    "many aliases": "a: &a 1\n" + "".join(f"b{i}: *a\n" for i in range(101)),
    "merge keys": "a: &a {x: 1}\nb: &b {<<: *a, y: 1}\nc: {<<: [*a, *b]}\n",
    "self alias": "a: &a [*a]",
    "alias key": "a: &a x\n*a : 1",
    "list key": "? [a]\n: b",
    "unknown alias": "a: *b",
    "many values": "a: [" + "1," * 21_000 + "]",
    "many keys": "".join(f"k{i}: 1\n" for i in range(6000)),
    "duplicate keys": "a: 1\n" * 12_000,
    "json duplicate keys": "{" + ",".join(['"a":1'] * 10_000) + "}",
    "too large": "x" * (64 * 1024 + 1),
    "too large in bytes": "é" * 40_000,
    "huge integer": "a: " + "9" * 60_000,
    "long key": "k" * 60_000 + ": 1",
    "nul": "a: \x00",
    "escaped nul": 'a: "\\0"',
    "surrogate": "a: \ud800",
    "utf-16": "a: 1".encode("utf-16").decode("latin-1"),
    "control": "a: \x07",
    "empty": " \n ",
    "two documents": "---\na: 1\n---\nb: 2",
    "python tag": "a: !!python/object/apply:os.system [id]",
    "own tag": "a: !Ref x",
    "binary tag": "a: !!binary aGk=",
    "set tag": "a: !!set {x}",
    "wrong tag": "a: !!int x",
    "nan": "a: .nan",
    "infinity": "a: -.inf",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_time(name: str) -> None:
    began = time.process_time()
    with pytest.raises(DocumentRefused) as refused:
        parse(BOMBS[name])
    assert time.process_time() - began < LIMIT
    assert 1 <= len(refused.value.problems) <= 100
    assert all(len(problem.message) < 1000 for problem in refused.value.problems)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", (4, 3), "'c' is written twice"),
        ('{"b": {"c": 1,\n "c": 2}}', (2, 2), "'c' is written twice"),
        ("a: 1\nb: [1,\n", (3, 1), "not YAML"),
        ("ok: 1\nbad: \x07", (2, 6), "U+0007"),
        ("a:\n  <<: {b: 1}", (2, 3), "Merge keys"),
        ("a:\n- 1\n- !own x", (3, 3), "has no meaning"),
        ("a: !!python/name:x ''", (1, 4), "has no meaning"),
    ],
)
def test_refusals_name_the_place(text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        parse(text)
    first = next(found for found in refused.value.problems if message in found.message)
    assert (first.line, first.column) == place


def test_a_byte_order_mark_is_passed_over() -> None:
    parsed = parse("\ufeffschemaVersion: '0.3'\nmainSteps: [{name: a, action: 'aws:pause'}]\n")
    assert parsed.steps[0].name == "a"


def test_a_few_aliases_are_written_out() -> None:
    parsed = parse(
        "schemaVersion: '0.3'\nmainSteps:\n"
        "- {name: a, action: 'aws:pause', inputs: &in {x: [1, 2]}}\n"
        "- {name: b, action: 'aws:pause', inputs: *in}\n"
    )
    assert parsed.steps[0].inputs == parsed.steps[1].inputs == {"x": [1, 2]}


def test_the_largest_documents_are_checked_in_time() -> None:
    steps = [
        api(f"s{i}", "State", description="x" * 150, inputs={"X": [f"{{{{ s{i - 1}.State }}}}"]})
        for i in range(1, 190)
    ]
    text = dump(document(api("s0", "State"), *steps), "YAML")
    assert 60_000 < len(text) < 64 * 1024
    began = time.process_time()
    runbook, problems = check(text, ACTIONS)
    assert time.process_time() - began < LIMIT
    assert runbook is not None
    assert problems == []

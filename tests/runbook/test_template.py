"""References: what is one, what it becomes, and that values are never looked at again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from executions.runbook.template import (
    MissingValue,
    Scope,
    find_references,
    resolve,
    resolve_inputs,
    system_values,
)

SCOPE = Scope(
    parameters={
        "text": "hello",
        "number": 5,
        "yes": True,
        "one": ["only"],
        "many": ["x", "y"],
        "none": [],
        "map": {"k": "v"},
        "maps": [{"k": "v"}],
        "empty": "",
        "evil": "{{ text }}",
        "quote": '"; id; "',
    },
    defaults={
        "name": "ami-{{ text }}-{{global:DATE_TIME}}",
        "deep": "{{ name }}",
        "stamp": "{{ global:REGION }}",
        "chain": "{{ evil }}",
        "plain": ["a"],
    },
    variables={"count": 3},
    outputs={
        "probe": {"Id": "i-1", "Ids": ["i-1", "i-2"], "Odd": "{{ text }}"},
        "each": {"CurrentIteration": 2, "CurrentIteratorValue": "b"},
    },
    system={"global:REGION": "eu-west-1", "global:DATE_TIME": "2024-01-02_03.04.05"},
)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{{ text }}", "hello"),
        ("{{text}}", "hello"),
        ("{{text }}", "hello"),
        ("  {{ text }}  ", "hello"),
        ("{{ number }}", 5),
        ("{{ yes }}", True),
        ("{{ many }}", ["x", "y"]),
        ("{{ map }}", {"k": "v"}),
        ("{{ maps }}", [{"k": "v"}]),
        ("{{ empty }}", ""),
        ("{{ probe.Id }}", "i-1"),
        ("{{ variable:count }}", 3),
        ("{{ each.CurrentIteration }}", 2),
        ("{{ each.CurrentIteratorValue }}", "b"),
        ("{{ global:REGION }}", "eu-west-1"),
        ("a-{{ text }}-{{number}}-{{ yes }}", "a-hello-5-true"),
        ("ids: {{ many }}", 'ids: ["x", "y"]'),
        ("map: {{ map }}", 'map: {"k": "v"}'),
        ('{"X":"{{ quote }}"}', '{"X":""; id; ""}'),
        (["{{ many }}"], ["x", "y"]),
        (["a", "{{ many }}", "b"], ["a", "x", "y", "b"]),
        (["{{ none }}"], []),
        (["{{ text }}"], ["hello"]),
        (["{{ maps }}"], [{"k": "v"}]),
        (["p {{ many }}"], ['p ["x", "y"]']),
        ([["{{ many }}"]], [["x", "y"]]),
        ({"{{ text }}": "{{ text }}"}, {"{{ text }}": "hello"}),
        (7, 7),
        (None, None),
        ("plain", "plain"),
    ],
)
def test_resolve(written: Any, value: Any) -> None:
    resolved = resolve(written, SCOPE)
    assert resolved == value
    assert type(resolved) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "{{.Names}}",
        "docker ps --format '{{.Names}}'",
        "{{ a b }}",
        "{{ }}",
        "{{}}",
        "{{ ids[0] }}",
        "{{ a | upper }}",
        "{ {text} }",
        "{{ text }",
        "f'{{x!r}}'",
        "{{ 'text' }}",
    ],
)
def test_foreign_braces_stay(text: str) -> None:
    assert resolve(text, SCOPE) == text
    assert find_references(text) == []


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{{ evil }}", "{{ text }}"),
        ("a {{ evil }} b", "a {{ text }} b"),
        ("{{ probe.Odd }}", "{{ text }}"),
        ("{{ chain }}", "{{ text }}"),
        ("{{ {{ text }} }}", "{{ hello }}"),
    ],
)
def test_values_are_never_looked_at_again(written: str, value: str) -> None:
    assert resolve(written, SCOPE) == value


def test_defaults_are_expanded_once_and_at_each_use() -> None:
    assert resolve("{{ name }}", SCOPE) == "ami-hello-2024-01-02_03.04.05"
    assert resolve("{{ stamp }}", SCOPE) == "eu-west-1"
    assert resolve("{{ plain }}", SCOPE) == ["a"]
    assert resolve("{{ deep }}", SCOPE) == "ami-{{ text }}-{{global:DATE_TIME}}"


def test_a_default_that_names_itself_ends() -> None:
    assert resolve("{{ a }}", Scope(defaults={"a": "x{{ a }}"})) == "xx{{ a }}"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("nothing", "declares no such parameter"),
        ("probe.None", "did not produce"),
        ("later.Id", "has not run"),
        ("variable:none", "declares no such variable"),
        ("global:NONE", "no such system value"),
        ("automation:OTHER", "no such system value"),
        ("ssm:/a/b", "only as the default of a parameter"),
        ("resolve:ssm:x", "no such system value"),
    ],
)
def test_missing_values(reference: str, reason: str) -> None:
    with pytest.raises(MissingValue, match=reason) as missing:
        resolve(f"x {{{{ {reference} }}}}", SCOPE)
    assert missing.value.reference == reference


def test_output_payload_is_all_outputs_as_json() -> None:
    assert resolve("{{ s.OutputPayload }}", Scope(outputs={"s": {"a": [1]}})) == '{"a": [1]}'
    given = Scope(outputs={"s": {"OutputPayload": "own"}})
    assert resolve("{{ s.OutputPayload }}", given) == "own"


def test_script_is_code_and_stays() -> None:
    inputs = {"Script": "f'{{text}}' # {{ text }}", "InputPayload": {"t": "{{ text }}"}}
    assert resolve_inputs(inputs, SCOPE) == {
        "Script": "f'{{text}}' # {{ text }}",
        "InputPayload": {"t": "hello"},
    }


def test_resolving_changes_nothing_in_place() -> None:
    written = {"a": ["{{ many }}"]}
    resolve(written, SCOPE)
    assert written == {"a": ["{{ many }}"]}


def test_find_references_in_order() -> None:
    written = {"a": ["{{ x }} {{y.Z}}", 5], "b": {"{{ key }}": "{{ variable:v }}"}}
    assert find_references(written) == ["x", "y.Z", "variable:v"]


def test_system_values_are_in_utc() -> None:
    now = datetime(2024, 1, 1, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    values = system_values(execution_id="id", account="111122223333", region="us-east-1", now=now)
    assert values == {
        "automation:EXECUTION_ID": "id",
        "global:ACCOUNT_ID": "111122223333",
        "global:REGION": "us-east-1",
        "global:AWS_PARTITION": "aws",
        "global:DATE": "2023-12-31",
        "global:DATE_TIME": "2023-12-31_23.02.03",
    }
    later = system_values(execution_id="id", account="1", region="r", now=now.astimezone(UTC))
    assert later["global:DATE_TIME"] == values["global:DATE_TIME"]

"""Reading documents: shape, typing of scalars, positions."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest

from executions.runbook.parse import dump, parse
from executions.runbook.types import DocumentRefused, Format

from .builders import document, loop, runbook, step

MINIMAL = """\
schemaVersion: '0.3'
assumeRole: '{{ AutomationAssumeRole }}'
parameters:
  AutomationAssumeRole: {type: 'AWS::IAM::Role::Arn', default: ''}
  Target: {type: 'AWS::EC2::Instance::Id'}
variables: {note: {type: String, default: none}}
mainSteps:
  - {name: halt, action: 'aws:changeInstanceState', maxAttempts: 2, timeoutSeconds: 900,
     onFailure: 'step:report', inputs: {InstanceIds: ['{{ Target }}'], DesiredState: stopped}}
  - name: report
    action: aws:executeAwsApi
    isEnd: true
    inputs: {Service: ec2, Api: DescribeInstances, InstanceIds: ['{{ Target }}']}
    outputs: [{Name: state, Selector: '$.Reservations[0].Instances[0].State.Name', Type: String}]
outputs: [report.state]
"""


def refusal(text: str, fmt: Format | None = None) -> list[str]:
    with pytest.raises(DocumentRefused) as refused:
        parse(text, fmt)
    return [str(problem) for problem in refused.value.problems]


def read_inputs(text: str) -> dict[str, Any]:
    lines = "schemaVersion: '0.3'\nmainSteps:\n- name: a\n  action: aws:pause\n  inputs:\n"
    return dict(
        parse(lines + "".join(f"    {line}\n" for line in text.splitlines())).steps[0].inputs
    )


def test_reads_every_part_of_a_document() -> None:
    parsed = parse(MINIMAL)
    halt, report = parsed.steps
    assert parsed.assume_role == "{{ AutomationAssumeRole }}"
    assert not parsed.parameters["AutomationAssumeRole"].required
    assert parsed.parameters["Target"].required
    assert parsed.variables["note"].default == "none"
    assert (halt.max_attempts, halt.timeout_seconds, halt.on_failure) == (2, 900, "step:report")
    assert (halt.line, report.line, report.is_end) == (8, 10, True)
    assert report.outputs[0].selector == "$.Reservations[0].Instances[0].State.Name"
    assert parsed.outputs == ("report.state",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30:00", "12:30:00"),
        ("0123", "0123"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("2024-01-31", "2024-01-31"),
        ("1.10", "1.10"),
        ("1e3", "1e3"),
        ("-0", "-0"),
        ("+5", "+5"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("111122223333", 111122223333),
        ("012345678901", "012345678901"),
        ("1234567890123456789", "1234567890123456789"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("-7", -7),
        ("0.5", 0.5),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("! 5", "5"),
    ],
)
def test_yaml_scalars_stay_what_was_written(written: str, read: object) -> None:
    value = read_inputs(f"k: {written}")["k"]
    assert value == read
    assert type(value) is type(read)


def test_keys_are_always_text() -> None:
    assert read_inputs("NO: 1\n1: 2\ntrue: 3") == {"NO": 1, "1": 2, "true": 3}


@pytest.mark.parametrize("version", ["0.3", "'0.3'", '"0.3"'])
def test_schema_version_may_stand_without_quotes(version: str) -> None:
    text = f"schemaVersion: {version}\nmainSteps: [{{name: a, action: 'aws:pause', inputs: {{}}}}]"
    assert parse(text).schema_version == "0.3"


@pytest.mark.parametrize("version", ["'0.4'", "2.2", "[]", "", "0.30"])
def test_other_schema_versions_are_refused_by_name(version: str) -> None:
    text = f"schemaVersion: {version}\nmainSteps: [{{name: a, action: 'aws:pause', inputs: {{}}}}]"
    with pytest.raises(DocumentRefused) as refused:
        parse(text)
    assert [problem.path for problem in refused.value.problems] == ["schemaVersion"]


@pytest.mark.parametrize(
    ("key", "written", "attribute", "read"),
    [
        ("isEnd", "true", "is_end", True),
        ("isEnd", "false", "is_end", False),
        ("isCritical", "false", "is_critical", False),
        ("timeoutSeconds", "600", "timeout_seconds", 600),
        ("timeoutSeconds", "{{ Wait }}", "timeout_seconds", "{{ Wait }}"),
        ("maxAttempts", "3", "max_attempts", 3),
    ],
)
def test_text_serves_for_booleans_and_numbers(
    key: str, written: str, attribute: str, read: object
) -> None:
    parsed = runbook(step("a", **{key: written}), parameters={"Wait": {"type": "Integer"}})
    assert getattr(parsed.steps[0], attribute) == read


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"isEnd": "maybe"}, "isEnd must be true or false, not 'maybe'"),
        ({"maxAttempts": 0}, "maxAttempts must be an integer of at least 1, not 0"),
        ({"maxAttempts": True}, "maxAttempts must be an integer of at least 1, not True"),
        ({"timeoutSeconds": -1}, "timeoutSeconds must be an integer of at least 1"),
        ({"timeoutSeconds": 1.5}, "timeoutSeconds must be an integer"),
        ({"onFailure": "abort"}, "onFailure must be Abort, Continue or step:NAME, not 'abort'"),
        ({"onFailure": "step:"}, "onFailure must be Abort, Continue or step:NAME"),
        ({"onCancel": "Continue"}, "onCancel must be Abort or step:NAME"),
        ({"onFailur": "Abort"}, "did you mean onFailure?"),
        ({"inputs": []}, "inputs must be a map, not a list"),
        ({"outputs": {}}, "outputs must be a list, not a map"),
        ({"outputs": ["x"]}, "A step output must be a map, not text"),
        ({"outputs": [{"Name": "x"}]}, "A step output needs Selector"),
        ({"nextStep": 5}, "nextStep must be text; quote it, not 5"),
        ({"name": None}, "A step needs name"),
        ({"action": None}, "A step needs action"),
    ],
)
def test_steps_of_the_wrong_shape(keys: dict[str, Any], message: str) -> None:
    found = refusal(json.dumps(document({**step("a"), **keys})))
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ({"mainStep": []}, "did you mean mainSteps?"),
        ({"parameters": []}, "parameters must be a map"),
        ({"parameters": {"P": "String"}}, "A parameter must be a map, not text"),
        ({"parameters": {"P": {}}}, "A parameter needs type"),
        ({"parameters": {"P": {"type": "String", "maxChars": "x"}}}, "maxChars must be an integer"),
        ({"variables": {"v": {"type": "String", "x": 1}}}, "x is not a key of a variable"),
        ({"outputs": "a.b"}, "outputs must be a list, not 'a.b'"),
        ({"outputs": [{"a": "b"}]}, "An output is text like step.Output, not a map"),
        ({"description": ["x"]}, "description must be text"),
    ],
)
def test_top_level_of_the_wrong_shape(top: dict[str, Any], message: str) -> None:
    found = refusal(json.dumps(document(step("a"), **top)))
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize("text", ["- a", "just text", "5", "[]", "null"])
def test_a_document_is_a_map(text: str) -> None:
    assert "A runbook must be a map" in refusal(text)[0]


def test_all_problems_come_at_once_with_their_places() -> None:
    text = dedent("""\
        schemaVersion: '0.4'
        mainSteps:
          - name: a
            action: aws:pause
            isEnd: perhaps
          - action: aws:pause
            retry: 3
        """)
    assert [found.split(":")[0] for found in refusal(text)] == [
        "line 1, column 16",
        "line 5, column 12",
        "line 6, column 5",
        "line 7, column 12",
    ]


@pytest.mark.parametrize("fmt", ["YAML", "JSON"])
def test_positions_point_at_values(fmt: Format) -> None:
    parsed = parse(dump(document(step("a"), step("b")), fmt), fmt)
    lines = dump(parsed.data, fmt).splitlines()
    line, column = parsed.locate(("mainSteps", 1, "name"))
    assert lines[line - 1][column - 1 :].strip('",') == "b"


def test_unknown_paths_are_located_at_what_is_around_them() -> None:
    parsed = parse(MINIMAL)
    around = parsed.locate(("mainSteps", 1))
    assert parsed.locate(("mainSteps", 1, "inputs", "Api"))[0] == 13
    assert parsed.locate(("mainSteps", 1, "nothing", 3)) == around


def test_the_format_is_found_out() -> None:
    data = document(step("a"))
    assert parse(json.dumps(data)).format == "JSON"
    assert parse(dump(data, "YAML")).format == "YAML"
    assert (
        parse("{schemaVersion: '0.3', mainSteps: [{name: a, action: 'aws:pause'}]}").format
        == "YAML"
    )


def test_a_broken_json_document_is_reported_as_json() -> None:
    assert "not JSON" in refusal('{"schemaVersion": "0.3" "x"}')[0]
    assert "not JSON" in refusal("schemaVersion: '0.3'", "JSON")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": }', "A value"),
        ('{"a": 01}', "A value"),
        ('{"a": NaN}', "A value"),
        ('{"a": -Infinity}', "A value"),
        ('{"a": 1e999}', "too large"),
        ('{"a": 1234567890123456789}', "over 18 digits"),
        ("{'a': 1}", "key in double quotes"),
        ('{"a": 1 "b": 2}', 'A "}" must come here'),
        ('{"a" 1}', 'A ":" must come here'),
        ('{"a": [1,]}', "comma must be followed"),
        ('{"a": [1', 'A "]" must come here'),
        ('{"a": "x', "Unterminated string"),
        ('{"a": "\\x"}', "escape"),
        ('{"a": 1} x', "Nothing may follow"),
        ('{"a": 1, "a": 2}', "'a' is written twice"),
        ('{"a": "\\u0000"}', "NUL"),
        ('{"a": "\\ud800"}', "surrogate"),
    ],
)
def test_json_is_read_strictly(text: str, message: str) -> None:
    assert any(message in found for found in refusal(text, "JSON"))


def test_json_escapes_are_read() -> None:
    text = json.dumps(document(step("a", description="\U0001f600 \u2028 / \x1b")))
    assert parse(text).steps[0].description == "\U0001f600 \u2028 / \x1b"


def test_attributes_aws_does_not_know_do_no_harm() -> None:
    parsed = runbook(step("a"), parameters={"P": {"type": "Integer", "minValue": 1}})
    assert parsed.parameters["P"].type == "Integer"


def test_loop_bodies_become_steps() -> None:
    parsed = runbook(loop("each", step("inner"), step("last")), step("after"))
    each = parsed.steps[0]
    assert [inner.name for inner in each.steps] == ["inner", "last"]
    assert each.inputs == {"Iterators": ["a", "b"]}
    assert {inner.loop for inner in each.steps} == {"each"}
    assert each.steps[1].path == ("mainSteps", 0, "inputs", "Steps", 1)
    assert [found.name for found in parsed.walk()] == ["each", "inner", "last", "after"]
    assert parsed.siblings(each.steps[0]) == each.steps


def test_loops_do_not_nest() -> None:
    assert (
        "may not stand inside the loop"
        in refusal(json.dumps(document(loop("outer", loop("inner", step("a"))))))[0]
    )


def test_critical_by_default_unless_failures_are_passed_over() -> None:
    parsed = runbook(
        step("a"),
        step("b", onFailure="Continue"),
        step("c", onFailure="step:a"),
        step("d", onFailure="Continue", isCritical=True),
        step("e", isCritical=False),
    )
    assert [each.critical for each in parsed.steps] == [True, False, True, True, False]
    assert parsed.steps[0].is_critical is None

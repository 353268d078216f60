"""What reviewers are told, and where problems stand."""

from __future__ import annotations

from typing import Any

import pytest

from executions.runbook.parse import dump
from executions.runbook.types import Problem
from executions.runbook.validate import check

from .builders import ACTIONS, api, document, errors, problems, step, warnings

P = {"P": {"type": "String", "allowedPattern": "[a-z]*"}}


def test_cycles_through_failures_are_told_to_the_reviewer() -> None:
    steps = [step("a"), step("b", onFailure="step:a")]
    assert errors(*steps) == []
    assert warnings(*steps) == ["After failures these steps may repeat without end: a -> b -> a."]


@pytest.mark.parametrize(
    ("steps", "top", "message"),
    [
        ([step("a", isEnd=True), step("b")], {}, "No step leads to b; it never runs."),
        ([step("a")], {"parameters": P}, "Parameter P is not used"),
        ([step("a")], {"assumeRole": ""}, "Without assumeRole"),
        ([step("a")], {"assumeRole": "role"}, "is no role ARN"),
        ([step("a", "aws:putServerUpgradeMetrics")], {}, "is not an action known here"),
        ([api("a"), api("b", inputs={"X": "{{ a.None }}"})], {}, "declares no output None"),
        ([api("a")], {"outputs": ["a.None"]}, "declares no output None"),
        (
            [api("a", inputs={"X": "{{ b.Y }}"}), api("b", "Y")],
            {},
            "Step b never runs before a: no value for b.Y",
        ),
        (
            [step("a", "aws:executeScript", inputs={"Runtime": "python3.7"})],
            {},
            "AWS retired python3.7",
        ),
        (
            [step("a", "aws:executeScript", inputs={"Runtime": "python3.11", "Attachment": "f"})],
            {},
            "f is not listed under files",
        ),
        (
            [step("a")],
            {"parameters": {"Q": {"type": "String", "default": "{{ X }}"}}, "outputs": ["Q"]},
            "X in this default names no parameter",
        ),
        (
            [step("a")],
            {"parameters": {"Q": {"type": "Integer", "minValue": 1}}, "outputs": ["Q"]},
            "minValue is not an attribute of parameters",
        ),
    ],
)
def test_warnings(steps: list[dict[str, Any]], top: dict[str, Any], message: str) -> None:
    found = problems(*steps, **top)
    assert [problem.severity for problem in found] == ["warning"]
    assert message in found[0].message


@pytest.mark.parametrize(
    ("declared", "warned"),
    [
        ({"type": "String"}, True),
        ({"type": "StringList"}, True),
        ({"type": "String", "allowedPattern": "[a-z]+"}, False),
        ({"type": "String", "allowedValues": ["a"]}, False),
        ({"type": "Integer"}, False),
        ({"type": "AWS::EC2::Instance::Id"}, False),
    ],
)
def test_text_in_a_shell_line_is_pointed_out(declared: dict[str, Any], warned: bool) -> None:
    inputs = {"DocumentName": "D", "Parameters": {"commands": ["ls {{ Q }}"], "x": "{{ Q }}"}}
    made = step("a", "aws:runCommand", inputs=inputs)
    found = warnings(made, parameters={"Q": declared})
    assert [("becomes part of a shell line" in text) for text in found] == [True] * warned


def test_step_outputs_in_a_shell_line_are_pointed_out() -> None:
    inputs = {"DocumentName": "D", "Parameters": {"commands": ["x {{ a.X }} {{ global:DATE }}"]}}
    found = warnings(api("a", "X"), step("b", "aws:runCommand", inputs=inputs))
    assert len(found) == 1
    assert "{{ a.X }}" in found[0]


def test_every_problem_comes_at_once_in_document_order() -> None:
    text = dump(
        document(
            api("a", nextStep="z", inputs={"X": "{{ Q }}"}),
            {**step("b"), "isEnd": "perhaps"},
            step("b"),
        ),
        "YAML",
    )
    runbook, found = check(text, ACTIONS)
    assert runbook is None
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)
    assert {problem.path for problem in found} == {
        "mainSteps[0].inputs.X",
        "mainSteps[0].nextStep",
        "mainSteps[1].isEnd",
        "mainSteps[2].name",
    }


def test_problems_stand_where_the_text_is() -> None:
    text = "schemaVersion: '0.3'\nmainSteps:\n- name: a\n  action: aws:pause\n  nextStep: zz\n"
    found = check(text, ACTIONS)[1]
    assert Problem(5, 13, "mainSteps[0].nextStep", found[-1].message) == found[-1]


def test_text_that_is_no_document() -> None:
    runbook, found = check("a: [", ACTIONS)
    assert runbook is None
    assert "not YAML" in found[0].message


def test_warnings_do_not_keep_a_document_out() -> None:
    runbook, found = check(dump(document(step("a", "aws:shareSQLMedia")), "JSON"), ACTIONS)
    assert runbook is not None
    assert [problem.severity for problem in found] == ["warning"]

"""Rules for steps, each by a document that breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from .builders import api, branch, choice, errors, loop, problems, step

P = {"P": {"type": "String", "allowedPattern": "[a-z]*"}}


def sleep(name: str, **keys: Any) -> dict[str, Any]:
    return step(name, "aws:sleep", inputs={"Duration": "PT1S"}, **keys)


def test_a_good_document_has_no_problem() -> None:
    assert (
        problems(
            branch("pick", choice("each"), default="probe"),
            loop(
                "each",
                api("inner", "State", inputs={"Item": "{{ each.CurrentIteratorValue }}"}),
                branch("leave", choice("probe", "{{ inner.State }}"), isEnd=True),
            ),
            api("probe", "State", onFailure="step:clean", isEnd=True),
            api("clean", inputs={"From": "{{ probe.State }} {{ global:DATE_TIME }}"}),
            parameters=P,
            outputs=["probe.State", "clean.OutputPayload", "P"],
        )
        == []
    )


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([sleep("a", nextStep="z")], "There is no step 'z' to go to"),
        ([sleep("a", onFailure="step:z")], "There is no step 'z' to go to"),
        ([sleep("a", onCancel="step:z")], "There is no step 'z' to go to"),
        ([branch("a", choice("z"))], "There is no step 'z' to go to"),
        ([branch("a", choice("b"), default="z"), step("b")], "There is no step 'z' to go to"),
        ([step("a"), step("a")], "Another step, on line 8, is called a too"),
        ([loop("l", step("a")), step("a")], "is called a too"),
        ([step("a-b")], "'a-b' is no step name"),
        ([step("a", "sleep")], "'sleep' is no action"),
        ([step("a", "aws:executeAwsApi", inputs={"Service": "ec2"})], "needs the input Api"),
        ([step("a", "aws:sleep")], "needs Duration or Timestamp"),
        (
            [step("a", "aws:runCommand", inputs={"DocumentName": "D", "InstanceIds": {}})],
            "InstanceIds must be a list of texts (StringList)",
        ),
        ([step("a", inputs={"X": 1})], "aws:pause has no input X"),
        (
            [step("a", "aws:invokeLambdaFunction", inputs={"FunctionName": "f", "Payload": {}})],
            "Payload must be text in quotes (String)",
        ),
        (
            [
                step(
                    "a",
                    "aws:invokeLambdaFunction",
                    inputs={"FunctionName": "f"},
                    outputs=[{"Name": "Payload", "Selector": "$.Payload"}],
                )
            ],
            "itself gives OutputPayload, Payload, StatusCode",
        ),
        ([api("a", "OutputPayload")], "OutputPayload is reserved"),
        ([api("a", "X", "X")], "output X is declared twice"),
        ([step("a", outputs=[{"Name": "X", "Selector": "$.a["}])], "is not a JSONPath"),
        ([step("a", outputs=[{"Name": "X", "Selector": "$", "Type": "Map"}])], "Type is one of"),
        ([api("a", onCancel="step:b"), sleep("b")], "onCancel may not go to b: aws:sleep"),
        (
            [loop("l", step("a"), onCancel="step:b"), api("b")],
            "aws:loop does not support onCancel",
        ),
        ([loop("l", step("in")), step("b", nextStep="in")], "Step in is inside the loop l"),
        (
            [step("a", "aws:waitForAwsResourceProperty", inputs={"PropertySelector": "$["})],
            "is not a JSONPath",
        ),
    ],
)
def test_step_rules(steps: list[dict[str, Any]], message: str) -> None:
    found = errors(*steps, parameters=P)
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"Variable": "{{ P }}", "StringMatches": "x"}, "StringMatches is not an operator"),
        ({"Variable": "{{ P }}"}, "needs an operator"),
        ({"StringEquals": "x"}, "Variable must be one reference"),
        ({"Variable": "P", "StringEquals": "x"}, "Variable must be one reference"),
        ({"Variable": "a {{ P }}", "StringEquals": "x"}, "Variable must be one reference"),
        (
            {"Variable": "{{ P }}", "StringEquals": "x", "Contains": "y"},
            "takes one operator; join several with And",
        ),
        ({"And": [{"Variable": "{{ P }}", "StringEquals": "x"}]}, "And needs a list of at least"),
        ({"Or": []}, "Or needs a list of at least"),
        ({"Not": [1]}, "A condition is a map"),
        ({"Not": {"And": [1, {"Variable": "{{ P }}", "StringEquals": "x"}]}}, "A condition is"),
    ],
)
def test_condition_rules(condition: dict[str, Any], message: str) -> None:
    for steps in (
        [branch("a", {"NextStep": "b", **condition}), step("b")],
        [
            step(
                "l",
                "aws:loop",
                inputs={"LoopCondition": condition, "MaxIterations": 3, "Steps": [step("in")]},
            )
        ],
    ):
        found = errors(*steps, parameters=P)
        assert len(found) == 1
        assert message in found[0]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (step("a", "aws:branch", inputs={"Default": "b"}), "needs Choices"),
        (branch("a", {"Variable": "{{ P }}", "StringEquals": "x"}), "needs NextStep"),
        (branch("a", 5), "A condition is a map"),  # type: ignore[arg-type]
    ],
)
def test_branch_rules(made: dict[str, Any], message: str) -> None:
    assert message in errors(made, step("b"), parameters=P)[0]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"Iterators": ["a"]}, "needs Steps"),
        ({"Steps": []}, "Steps must be a list of at least one step"),
        ({"Steps": [step("in")]}, "either Iterators or LoopCondition"),
        ({"Steps": [step("in")], "LoopCondition": {}, "Iterators": []}, "either Iterators or"),
        (
            {"Steps": [step("in")], "LoopCondition": {"Variable": "{{ P }}", "StringEquals": "x"}},
            "needs MaxIterations",
        ),
        ({"Steps": [step("in")], "Iterators": ["x"] * 101}, "at most 100 items"),
        ({"Steps": [step("in")], "Iterators": ["x"], "MaxIterations": 101}, "from 1 to 100"),
        ({"Steps": [step("in")], "Iterators": ["x"], "MaxIterations": "ten"}, "from 1 to 100"),
        ({"Steps": [step("in")], "Iterators": ["x"], "IteratorDataType": "Map"}, "is one of"),
    ],
)
def test_loop_rules(inputs: dict[str, Any], message: str) -> None:
    assert any(
        message in found for found in errors(step("l", "aws:loop", inputs=inputs), parameters=P)
    )


def test_many_steps_are_refused() -> None:
    assert "at most 200 steps" in errors(*(step(f"s{i}") for i in range(201)))[0]


@pytest.mark.parametrize("value", ["{{ P }}", 3, "4"])
def test_passes_may_be_a_number_or_a_reference(value: Any) -> None:
    made = loop("l", step("in"), inputs={"MaxIterations": value})
    assert errors(made, parameters=P) == []


def test_what_only_inputs_complain_of_is_not_said_twice() -> None:
    found = errors(step("a", "aws:updateVariable", inputs={"Value": "x"}))
    assert found == ["Step a (aws:updateVariable) needs the input Name."]

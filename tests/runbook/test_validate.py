"""The rules of CreateDocument, each by a document that breaks it and one that does not."""

from __future__ import annotations

from typing import Any

import pytest

from executions.runbook.literals import fits_input
from executions.runbook.parse import dump
from executions.runbook.types import Problem
from executions.runbook.validate import check

from .builders import (
    ACTIONS,
    api,
    branch,
    choice,
    document,
    errors,
    loop,
    problems,
    step,
    warnings,
)

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


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("Q", "Parameter Q is not declared."),
        ("RESOURCE_ID", "Parameter RESOURCE_ID is not declared."),
        ("first", "It is a step; name one of its outputs"),
        ("nobody.X", "There is no step nobody"),
        ("variable:v", "Variable v is not declared"),
        ("global:NOW", "global:NOW does not exist"),
        ("automation:ID", "automation:ID does not exist"),
        ("ssm:/db/password", "may stand only as a parameter's default"),
        ("resolve:ssm:x", "does not exist"),
        ("secretsmanager:x", "does not exist"),
    ],
)
@pytest.mark.parametrize("written", ["{{{{ {} }}}}", "a {{{{{}}}}} b"])
def test_references_must_name_something(written: str, reference: str, message: str) -> None:
    found = errors(api("first"), api("a", inputs={"X": [{"Y": written.format(reference)}]}))
    assert len(found) == 1
    assert message in found[0]


def test_references_in_code_and_foreign_braces_are_left_alone() -> None:
    script = {"Runtime": "python3.11", "Script": "f'{{Nobody}}'", "InputPayload": {"a": "{{.X}}"}}
    assert problems(step("a", "aws:executeScript", inputs=script)) == []


@pytest.mark.parametrize(
    ("type_name", "accepted"),
    [("String", True), ("StringList", True), ("StringMap", False), ("Integer", False)],
)
def test_run_command_checks_the_types_of_references(type_name: str, accepted: bool) -> None:
    inputs = {"DocumentName": "D", "InstanceIds": "{{ Q }}"}
    made = step("a", "aws:runCommand", inputs=inputs)
    found = errors(made, parameters={"Q": {"type": type_name}})
    assert (found == []) is accepted


def test_other_actions_check_them_at_run_time() -> None:
    inputs = {"FunctionName": "f", "Payload": "{{ Q }}"}
    made = step("a", "aws:invokeLambdaFunction", inputs=inputs)
    assert errors(made, parameters={"Q": {"type": "StringMap"}}) == []


@pytest.mark.parametrize(
    ("steps", "trail"),
    [
        ([step("a", nextStep="a")], "a -> a"),
        ([step("a"), step("b", nextStep="a")], "a -> b -> a"),
        ([step("a"), branch("b", choice("a"), isEnd=True)], "a -> b -> a"),
        ([step("a"), branch("b", choice("c"), default="a"), step("c")], "a -> b -> a"),
        ([loop("l", step("a", nextStep="l"))], "l -> a -> l"),
        ([loop("l", step("a"), step("b", nextStep="a"))], "a -> b -> a"),
    ],
)
def test_cycles_are_refused_with_their_trace(steps: list[dict[str, Any]], trail: str) -> None:
    found = errors(*steps, parameters=P)
    assert len(found) == 1
    assert f"without end: {trail}." in found[0]


@pytest.mark.parametrize(
    "steps",
    [
        [step("a", nextStep="c"), step("b", isEnd=True), step("c", nextStep="b")],
        [branch("a", choice("c"), default="b"), step("b", isEnd=True), step("c", nextStep="b")],
        [loop("l", step("a"), step("b")), step("c")],
        [loop("l", step("a", nextStep="c"), step("b")), step("c")],
        [step("a", nextStep="a", isEnd=True)],
    ],
)
def test_backward_jumps_and_loops_are_no_cycles(steps: list[dict[str, Any]]) -> None:
    assert errors(*steps, parameters=P) == []


def test_cycles_through_failures_are_told_to_the_reviewer() -> None:
    steps = [step("a"), step("b", onFailure="step:a")]
    assert errors(*steps) == []
    assert warnings(*steps) == ["After failures these steps may repeat without end: a -> b -> a."]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"type": "Strings"}, "Strings is no parameter type"),
        ({"type": "String", "default": 5}, "must be text in quotes"),
        ({"type": "Boolean", "default": "true"}, "must be true or false, without quotes"),
        ({"type": "Boolean", "default": 0}, "must be true or false"),
        ({"type": "Boolean", "default": ""}, "must be true or false"),
        ({"type": "Integer", "default": "5"}, "must be an integer, without quotes"),
        ({"type": "Integer", "default": 1.5}, "must be an integer"),
        ({"type": "Integer", "default": True}, "must be an integer"),
        ({"type": "StringList", "default": "a"}, "must be a list of texts"),
        ({"type": "StringList", "default": [1]}, "must be a list of texts"),
        ({"type": "StringMap", "default": []}, "must be a map"),
        ({"type": "StringMap", "default": "text"}, "must be a map"),
        ({"type": "MapList", "default": ["a"]}, "must be a list of maps"),
        ({"type": "String", "allowedPattern": "["}, "is no regular expression"),
        ({"type": "String", "minChars": 3, "maxChars": 2}, "maxChars is less than minChars"),
        ({"type": "StringMap", "default": "{{ssm:x}}"}, "Only String and StringList"),
        ({"type": "String", "default": "a {{ssm:x}}"}, "must be the whole default"),
    ],
)
def test_parameter_rules(declared: dict[str, Any], message: str) -> None:
    found = errors(step("a"), parameters={"Q": declared}, outputs=["Q"])
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    "declared",
    [
        {"type": "String", "default": "", "allowedPattern": "x+"},
        {"type": "StringList", "default": ""},
        {"type": "StringMap", "default": '{"a": "b"}'},
        {"type": "StringMap", "default": {"a": ["b"]}},
        {"type": "MapList", "default": [{"a": "b"}]},
        {"type": "AWS::IAM::Role::Arn", "default": None},
        {"type": "List<AWS::EC2::Instance::Id>", "default": []},
        {"type": "String", "default": "{{ssm:/a/b.c-d}}"},
        {"type": "String", "default": "ami-{{Q}}-{{global:DATE_TIME}}"},
        {"type": "String", "displayType": "textarea", "interpolationType": "ENV_VAR"},
    ],
)
def test_published_parameters_are_accepted(declared: dict[str, Any]) -> None:
    assert problems(step("a"), parameters={"Q": declared}, outputs=["Q"]) == []


def test_parameter_names() -> None:
    assert "is no name" in errors(step("a"), parameters={"a-b": {"type": "String"}})[0]
    many = {f"p{i}": {"type": "String"} for i in range(201)}
    assert "at most 200 parameters" in errors(step("a"), parameters=many)[0]


def test_many_steps_are_refused() -> None:
    assert "at most 200 steps" in errors(*(step(f"s{i}") for i in range(201)))[0]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"type": "AWS::IAM::Role::Arn"}, "type is one of"),
        ({"type": "Integer", "default": "x"}, "must be an integer"),
    ],
)
def test_variable_rules(declared: dict[str, Any], message: str) -> None:
    assert message in errors(step("a"), variables={"v": declared})[0]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"Name": "variable:w", "Value": "x"}, "of a variable the runbook declares"),
        ({"Name": "v", "Value": "x"}, "must be variable:NAME"),
        ({"Name": "variable:v", "Value": ["x"]}, "must be true or false"),
    ],
)
def test_update_variable_rules(inputs: dict[str, Any], message: str) -> None:
    made = step("a", "aws:updateVariable", inputs=inputs)
    found = errors(made, variables={"v": {"type": "Boolean", "default": False}})
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("a", "must be step.Output"),
        ("z.X", "must be step.Output"),
        ("{{ a.X }}", "must be step.Output of a step, without braces"),
    ],
)
def test_document_output_rules(output: str, message: str) -> None:
    assert message in errors(api("a", "X"), outputs=[output])[0]


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("{{ ssm:x }}", "may stand only as a parameter's default"),
        ("{{ a.X }}", "may name only parameters and system values"),
        ("{{ Q }}", "Parameter Q is not declared"),
    ],
)
def test_role_rules(role: str, message: str) -> None:
    assert message in errors(api("a", "X"), assumeRole=role)[0]


def test_composed_roles_are_accepted() -> None:
    role = "arn:{{global:AWS_PARTITION}}:iam::{{global:ACCOUNT_ID}}:role/{{ P }}"
    assert problems(step("a"), parameters=P, assumeRole=role) == []


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


@pytest.mark.parametrize(
    ("value", "type_name", "fits"),
    [
        (5, "String", True),
        ([], "String", False),
        ("i-1", "StringList", True),
        (["{{ a }}", 5], "StringList", True),
        ([{}], "StringList", False),
        ("600", "Integer", True),
        ("x", "Integer", False),
        (True, "Integer", False),
        ("True", "Boolean", True),
        (1, "Boolean", False),
        ([{}, "{{ a }}"], "MapList", True),
        (["a"], "MapList", False),
        ("{{ a }}", "StringMap", True),
        ("a", "StringMap", False),
        ([], "SomethingNew", True),
    ],
)
def test_what_literals_serve_as(value: Any, type_name: str, fits: bool) -> None:
    assert fits_input(value, type_name) is fits


@pytest.mark.parametrize("value", ["{{ P }}", 3, "3"])
def test_passes_may_be_a_number_or_a_reference(value: Any) -> None:
    made = loop("l", step("in"), inputs={"MaxIterations": value})
    assert errors(made, parameters=P) == []


def test_what_only_inputs_complain_of_is_not_said_twice() -> None:
    found = errors(step("a", "aws:updateVariable", inputs={"Value": "x"}))
    assert found == ["Step a (aws:updateVariable) needs the input Name."]


def test_selectors_with_references_are_read_at_run_time() -> None:
    inputs = {"PropertySelector": "$.{{ P }}["}
    assert errors(step("a", "aws:waitForAwsResourceProperty", inputs=inputs), parameters=P) == []


def test_time_outs_may_name_parameters() -> None:
    declared = {"Wait": {"type": "Integer"}}
    assert problems(step("a", timeoutSeconds="{{ Wait }}"), parameters=declared) == []
    assert "not declared" in errors(step("a", timeoutSeconds="{{ Wait }}"))[0]

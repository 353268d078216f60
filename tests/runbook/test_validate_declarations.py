"""Rules for parameters, variables, outputs and the role."""

from __future__ import annotations

from typing import Any

import pytest

from executions.runbook.literals import fits_input

from .builders import api, errors, problems, step

P = {"P": {"type": "String", "allowedPattern": "[a-z]*"}}


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
        {"type": "MapList", "default": '{"a": "b"}'},
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


@pytest.mark.parametrize("value", [True, "true", "{{ variable:v }}"])
def test_variables_may_be_read_and_updated(value: object) -> None:
    made = step("a", "aws:updateVariable", inputs={"Name": "variable:v", "Value": value})
    assert problems(made, variables={"v": {"type": "Boolean", "default": False}}) == []

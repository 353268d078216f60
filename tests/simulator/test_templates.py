"""Templates as CloudFormation reads and refuses them: no process, no socket."""

from __future__ import annotations

from typing import Any

import pytest

from console.simulator import templates
from console.simulator.answers import RefusedError

SHORT = """
Resources:
  Topic: {Type: AWS::SNS::Topic}
  Function:
    Type: AWS::Lambda::Function
    DependsOn: Topic
    Properties:
      Version: 2012-10-17
      Role: !GetAtt Role.Arn
      Name: !Sub "${AWS::StackName}-${Topic}-${!Literal}"
  Role: {Type: AWS::IAM::Role, Properties: {Path: !Ref Path}}
Parameters:
  Path: {Type: String, Default: /}
"""


def with_resource(**facts: Any) -> dict[str, Any]:
    return {"Resources": {"A": {"Type": "AWS::SQS::Queue", **facts}}}


def test_short_functions_are_read() -> None:
    properties = templates.parse(SHORT)["Resources"]["Function"]["Properties"]
    assert properties["Role"] == {"Fn::GetAtt": ["Role", "Arn"]}
    assert properties["Version"] == "2012-10-17"
    assert properties["Name"] == {"Fn::Sub": "${AWS::StackName}-${Topic}-${!Literal}"}


def test_resources_stand_after_what_they_need() -> None:
    order = templates.order(templates.parse(SHORT))
    assert order.index("Role") < order.index("Function") > order.index("Topic")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "unsupported structure"),
        ("{}", "At least one Resources member"),
        ("a: [", "YAML not well-formed"),
        ("Resources: {A: {}}", "has no Type"),
        ("Resources: !!python/object/apply:os.getcwd []", "At least one Resources member|YAML"),
        ("x" + "[" * 2000, "YAML not well-formed|unsupported structure"),
    ],
)
def test_what_is_no_template_is_refused(text: str, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        templates.parse(text)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"Resources": {"A": {"Type": "My::Own::Type"}}}, "Unrecognized resource types"),
        (with_resource(DependsOn="Nobody"), r"Unresolved resource dependencies \[Nobody\]"),
        (with_resource(Properties={"X": {"Ref": "Nobody"}}), "Unresolved"),
        (with_resource(Properties={"X": {"Fn::Sub": "${Nobody.Arn}"}}), "Unresolved"),
        (with_resource(Properties={"X": {"Fn::GetAtt": ["A", "Arn"]}}), "Circular dependency"),
    ],
)
def test_what_cannot_hold_is_refused(template: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        templates.require_sound(template, [])


def test_names_that_a_substitution_defines_are_its_own() -> None:
    properties = {"X": {"Fn::Sub": ["${Own}-${AWS::Region}", {"Own": "x"}]}}
    templates.require_sound(with_resource(Properties=properties), [])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"\[Size\] must have values"),
        ({"Size": "small", "Other": "x"}, r"\[Other\] do not exist"),
        ({"Size": "huge"}, "must be one of AllowedValues"),
        ({"Size": "small", "Name": "1"}, "must match pattern"),
    ],
)
def test_parameters_are_checked(given: dict[str, str], message: str) -> None:
    declared = {
        "Size": {"Type": "String", "AllowedValues": ["small", "large"]},
        "Name": {"Type": "String", "Default": "a", "AllowedPattern": "[a-z]+"},
    }
    with pytest.raises(RefusedError, match=message):
        templates.require_parameters({**with_resource(), "Parameters": declared}, given)
    templates.require_parameters({**with_resource(), "Parameters": declared}, {"Size": "small"})


def test_a_macro_needs_its_capability() -> None:
    template = {**with_resource(), "Transform": "AWS::Serverless-2016-10-31"}
    with pytest.raises(RefusedError, match="CAPABILITY_AUTO_EXPAND") as refused:
        templates.require_sound(template, [])
    assert refused.value.code == "InsufficientCapabilitiesException"

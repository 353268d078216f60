"""Rules for references, and for the way steps follow each other."""

from __future__ import annotations

from typing import Any

import pytest

from .builders import api, branch, choice, errors, loop, problems, step

P = {"P": {"type": "String", "allowedPattern": "[a-z]*"}}


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


def test_selectors_with_references_are_read_at_run_time() -> None:
    inputs = {"PropertySelector": "$.{{ P }}["}
    assert errors(step("a", "aws:waitForAwsResourceProperty", inputs=inputs), parameters=P) == []


def test_time_outs_may_name_parameters() -> None:
    declared = {"Wait": {"type": "Integer"}}
    assert problems(step("a", timeoutSeconds="{{ Wait }}"), parameters=declared) == []
    assert "not declared" in errors(step("a", timeoutSeconds="{{ Wait }}"))[0]

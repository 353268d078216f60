"""docs/api.md: a section for each operation that there is, and claims that the code bears out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from console.api import protocol
from console.api.operations import OPERATIONS, document_filters, documents, executions, resources
from console.api.operations.filters import EXECUTION_FILTERS, STEP_MEMBERS, TIMES
from executions.service_settings import DEFAULTS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = {name: section.split("\n## ")[0] for name, section in SECTION.findall(PAGE)}
COMMON = {"ValidationException", "AccessDeniedException"}


def line(operation: str, title: str) -> list[str]:
    """The names in a line of a section."""
    found = re.search(rf"^- \*\*{title}:\*\* (.+)$", SECTIONS[operation], re.MULTILINE)
    assert found, f"{operation} has no line {title}"
    names = re.findall(r"`([^`]+)`", found[1])
    assert names or found[1] == "nothing"
    return names


def members(operation: str) -> dict[str, Any]:
    """The members of a request; of a preview, those of its inputs."""
    shape: Any = protocol.model().operation_model(operation).input_shape
    inputs = shape.members.get("ExecutionInputs")
    return {**shape.members, **(inputs.members["Automation"].members if inputs else {})}


def test_each_operation_has_a_section_and_each_section_an_operation() -> None:
    assert sorted(SECTIONS) == sorted(OPERATIONS)
    assert len(OPERATIONS) == 24
    assert PAGE.count("\n### ") == len(OPERATIONS)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_refused_members_are_those_that_the_code_refuses(operation: str) -> None:
    refused = {
        "StartAutomationExecution": executions.NOT_YET,
        "CreateDocument": documents.NOT_YET,
        "UpdateDocument": documents.NOT_YET,
        "StartExecutionPreview": resources.NOT_PREVIEWED,
    }.get(operation, ())
    expected = {name for name in refused if name in members(operation)}
    assert set(line(operation, "Refused")) == expected


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_errors_are_those_of_the_model(operation: str) -> None:
    model = protocol.model().operation_model(operation)
    known = {shape.name for shape in model.error_shapes} | COMMON
    listed = line(operation, "Errors")
    assert set(listed) <= known
    assert listed == sorted(listed) or operation.endswith(("Execution", "Signal"))


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_each_section_says_what_is_complete_and_what_differs(operation: str) -> None:
    for title in ("Refused", "Errors", "Complete", "Differs"):
        assert SECTIONS[operation].count(f"- **{title}:** ") == 1


def test_filters_are_those_of_the_code() -> None:
    parents = {"ParentStepExecutionId", "ParentStepIteration", "ParentStepIteratorValue"}
    enum = protocol.model().shape_for("StepExecutionFilterKey").enum  # type: ignore[attr-defined]
    assert {*STEP_MEMBERS, *TIMES, *parents} == set(enum)
    own = {*document_filters.LOOKUPS, *document_filters.CONSTANT, "Owner", "tag:KEY"}
    assert set(line("DescribeAutomationExecutions", "Filters")) == set(EXECUTION_FILTERS)
    assert set(line("DescribeAutomationStepExecutions", "Filters")) == set(enum)
    assert set(line("ListDocuments", "Filters")) == own


def test_settings_are_those_of_the_code() -> None:
    listed = re.findall(r"^\| `(/ssm/[^`]+)` \| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert dict(listed) == DEFAULTS
    assert len(listed) == len(DEFAULTS)

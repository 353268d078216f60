"""aws:branch: where it goes, and what it does with a condition that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from executions.actions.base import BadInput, Done, StepContext
from executions.actions.branch import Branch
from executions.runbook.template import Scope

MakeContext = Callable[..., StepContext]
ON_WINDOWS = {"Variable": "{{ look.Platform }}", "StringEquals": "windows", "NextStep": "onWindows"}
ON_LINUX = {"Variable": "{{ look.Platform }}", "StringEquals": "linux", "NextStep": "onLinux"}


def begin(make_context: MakeContext, inputs: dict[str, Any], outputs: dict[str, str]) -> object:
    scope = Scope(outputs={"look": outputs})
    return Branch().begin(make_context("aws:branch", inputs, scope=scope))


def test_it_takes_the_first_true_choice(make_context: MakeContext) -> None:
    inputs = {"Choices": [ON_WINDOWS, ON_LINUX, {**ON_LINUX, "NextStep": "later"}], "Default": "x"}
    outcome = begin(make_context, inputs, {"Platform": "linux"})
    assert outcome == Done(next_step="onLinux")


def test_it_takes_the_default_when_nothing_is_true(make_context: MakeContext) -> None:
    inputs = {"Choices": [ON_WINDOWS], "Default": "elsewhere"}
    assert begin(make_context, inputs, {"Platform": "linux"}) == Done(next_step="elsewhere")


def test_it_falls_through_without_a_default(make_context: MakeContext) -> None:
    inputs = {"Choices": [ON_WINDOWS]}
    assert begin(make_context, inputs, {"Platform": "linux"}) == Done(next_step=None)


def test_a_missing_output_makes_its_comparison_false(make_context: MakeContext) -> None:
    inputs = {"Choices": [ON_WINDOWS], "Default": "onLinux"}
    assert begin(make_context, inputs, {}) == Done(next_step="onLinux")


def test_it_does_not_need_resolved_inputs(make_context: MakeContext) -> None:
    context = make_context(
        "aws:branch",
        {"Choices": [ON_WINDOWS], "Default": "onLinux"},
        scope=Scope(outputs={"look": {"Platform": "windows"}}),
    )
    assert Branch().begin(replace(context, inputs={})) == Done(next_step="onWindows")


def test_a_condition_that_is_none_fails_the_step_for_good(make_context: MakeContext) -> None:
    inputs = {"Choices": [{"Variable": "{{ look.Platform }}", "NextStep": "onLinux"}]}
    with pytest.raises(BadInput) as failure:
        begin(make_context, inputs, {"Platform": "linux"})
    assert failure.value.message
    assert failure.value.retryable is False


def test_it_has_no_time_out_and_begins_whatever_its_references_are() -> None:
    assert Branch.timeout is None
    assert Branch.lazy_inputs is True

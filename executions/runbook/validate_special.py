"""Rules of single actions that are part of the language: branch, loop, variables, scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .choices import OPERATORS
from .findings import Findings
from .jsonpath import SelectorError, compile_selector
from .literals import describe_type, fits_input
from .template import has_reference, whole_reference
from .types import Path, Runbook, Step, Value

_FEWEST_PARTS: Final = 2
_MAX_PASSES: Final = 100
_ITERATOR_TYPES: Final = ("Boolean", "Integer", "String", "StringMap")
_RETIRED_RUNTIMES: Final = ("python3.6", "python3.7", "python3.8")


def check_special(step: Step, runbook: Runbook, findings: Findings) -> None:
    """Check what the language says about this step's action beyond inputs and types."""
    if check := _CHECKS.get(step.action):
        check(step, runbook, findings)


def _check_branch(step: Step, runbook: Runbook, findings: Findings) -> None:
    path = (*step.path, "inputs", "Choices")
    choices = step.inputs.get("Choices")
    if not isinstance(choices, list) or not choices:
        findings.error(path, f"Step {step.name} needs Choices, a list of conditions.")
        return
    for index, choice in enumerate(choices):
        _check_condition(choice, (*path, index), findings)
        if isinstance(choice, dict) and not isinstance(choice.get("NextStep"), str):
            findings.error((*path, index), "A choice needs NextStep, the name of a step.")


def _check_condition(condition: Value, path: Path, findings: Findings) -> None:
    """AWS, "aws:branch": And and Or take at least two conditions, a Variable one operator."""
    if not isinstance(condition, dict):
        findings.error(path, "A condition is a map with Variable and an operator.")
        return
    groups = [key for key in ("And", "Or") if key in condition]
    for key in groups:
        parts = condition[key]
        if not isinstance(parts, list) or len(parts) < _FEWEST_PARTS:
            findings.error((*path, key), f"{key} needs a list of at least two conditions.")
            continue
        for index, part in enumerate(parts):
            _check_condition(part, (*path, key, index), findings)
    if "Not" in condition:
        _check_condition(condition["Not"], (*path, "Not"), findings)
    elif not groups:
        _check_comparison(condition, path, findings)


def _check_comparison(condition: dict[str, Value], path: Path, findings: Findings) -> None:
    variable = condition.get("Variable")
    if not isinstance(variable, str) or whole_reference(variable) is None:
        findings.error(
            (*path, "Variable"), "Variable must be one reference, like '{{ step.Output }}'."
        )
    others = condition.keys() - {"Variable", "NextStep"}
    for key in sorted(others - OPERATORS.keys()):
        known = ", ".join(OPERATORS)
        findings.error((*path, key), f"{key} is not an operator; use one of {known}.")
    if not others:
        findings.error(path, f"A condition needs an operator: {', '.join(OPERATORS)}.")
    elif len(others) > 1:
        findings.error(path, "A condition takes one operator; join several with And.")


def _check_loop(step: Step, runbook: Runbook, findings: Findings) -> None:
    """AWS, "aws:loop"."""
    path = (*step.path, "inputs")
    inputs = step.inputs
    if ("Iterators" in inputs) == ("LoopCondition" in inputs):
        findings.error(path, f"Loop {step.name} needs either Iterators or LoopCondition.")
    if not step.steps and "Steps" not in inputs:
        findings.error(path, f"Loop {step.name} needs Steps, the list of steps to repeat.")
    if "LoopCondition" in inputs:
        _check_condition(inputs["LoopCondition"], (*path, "LoopCondition"), findings)
        if "MaxIterations" not in inputs:
            findings.error(path, f"Loop {step.name} needs MaxIterations beside LoopCondition.")
    _check_passes(inputs.get("MaxIterations"), (*path, "MaxIterations"), findings)
    iterators = inputs.get("Iterators")
    if isinstance(iterators, list) and len(iterators) > _MAX_PASSES:
        findings.error((*path, "Iterators"), f"A loop takes at most {_MAX_PASSES} items.")
    if inputs.get("IteratorDataType", "String") not in _ITERATOR_TYPES:
        known = ", ".join(_ITERATOR_TYPES)
        findings.error((*path, "IteratorDataType"), f"IteratorDataType is one of {known}.")


def _check_passes(passes: Value, path: Path, findings: Findings) -> None:
    if passes is None or has_reference(passes):
        return
    if not str(passes).isdecimal() or not 1 <= int(passes) <= _MAX_PASSES:
        findings.error(path, f"MaxIterations must be an integer from 1 to {_MAX_PASSES}.")


def _check_update(step: Step, runbook: Runbook, findings: Findings) -> None:
    """AWS, "aws:updateVariable": the name is `variable:x`, the value of its declared type."""
    path = (*step.path, "inputs")
    written = step.inputs.get("Name")
    if written is None:
        return
    variable = runbook.variables.get(str(written).removeprefix("variable:"))
    if variable is None or not str(written).startswith("variable:"):
        findings.error(
            (*path, "Name"), "Name must be variable:NAME of a variable the runbook declares."
        )
    elif "Value" in step.inputs and not fits_input(step.inputs["Value"], variable.type):
        wanted = describe_type(variable.type)
        findings.error((*path, "Value"), f"The value of {variable.name} must be {wanted}.")


def _check_script(step: Step, runbook: Runbook, findings: Findings) -> None:
    """AWS, "aws:executeScript"; it refuses retired runtimes, published runbooks still name them."""
    path = (*step.path, "inputs")
    runtime = step.inputs.get("Runtime")
    if runtime in _RETIRED_RUNTIMES:
        findings.warn(
            (*path, "Runtime"), f"AWS retired {runtime}; the script runs on a newer Python."
        )
    attachment = step.inputs.get("Attachment")
    if isinstance(attachment, str) and attachment not in runbook.files:
        findings.warn(
            (*path, "Attachment"), f"{attachment} is not listed under files with its checksum."
        )


def _check_selector(step: Step, runbook: Runbook, findings: Findings) -> None:
    selector = step.inputs.get("PropertySelector")
    if not isinstance(selector, str) or has_reference(selector):
        return
    try:
        compile_selector(selector)
    except SelectorError as error:
        findings.error((*step.path, "inputs", "PropertySelector"), str(error))


_CHECKS: Final[dict[str, Callable[[Step, Runbook, Findings], None]]] = {
    "aws:branch": _check_branch,
    "aws:loop": _check_loop,
    "aws:updateVariable": _check_update,
    "aws:executeScript": _check_script,
    "aws:assertAwsResourceProperty": _check_selector,
    "aws:waitForAwsResourceProperty": _check_selector,
}

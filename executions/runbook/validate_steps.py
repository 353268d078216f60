"""Rules for each step by itself: its name, its action's inputs, its outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from .convert import OUTPUT_TYPES
from .findings import Findings
from .jsonpath import SelectorError, compile_selector
from .literals import describe_type, fits_input
from .types import ActionSpec, Runbook, Step
from .validate_special import check_special

MAX_STEPS: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,128}")
_ACTION: Final = re.compile(r"aws:[A-Za-z]{3,40}")


def check_steps(runbook: Runbook, actions: Mapping[str, ActionSpec], findings: Findings) -> None:
    """Check every step, those in loops too. (AWS, "Systems Manager Automation actions".)"""
    steps = list(runbook.walk())
    if len(steps) > MAX_STEPS:
        findings.error(("mainSteps",), f"A runbook has at most {MAX_STEPS} steps; split it.")
    seen: dict[str, Step] = {}
    for step in steps:
        _check_names(step, seen.get(step.name), findings)
        seen.setdefault(step.name, step)
        if spec := actions.get(step.action):
            _check_inputs(step, spec, findings)
            _check_on_cancel(step, spec, findings)
        elif _ACTION.fullmatch(step.action):
            findings.warn(
                (*step.path, "action"),
                f"{step.action} is not an action known here; step {step.name} will fail.",
            )
        _check_outputs(step, actions.get(step.action), findings)
        check_special(step, runbook, findings)


def _check_names(step: Step, twin: Step | None, findings: Findings) -> None:
    if step.name and not _NAME.fullmatch(step.name):
        findings.error(
            (*step.path, "name"),
            f"{step.name!r:.80} is no step name: use letters, digits and underscores.",
        )
    if step.name and twin is not None:
        findings.error(
            (*step.path, "name"),
            f"Another step, on line {twin.line}, is called {step.name} too; rename one of them.",
        )
    if step.action and not _ACTION.fullmatch(step.action):
        findings.error(
            (*step.path, "action"), f"{step.action!r:.80} is no action; it looks like aws:sleep."
        )


def _check_inputs(step: Step, spec: ActionSpec, findings: Findings) -> None:
    path = (*step.path, "inputs")
    given = step.inputs.keys() | ({"Steps"} if step.steps else set())
    for name in sorted(spec.required - given):
        findings.error(path, f"Step {step.name} ({spec.name}) needs the input {name}.")
    for group in spec.one_of:
        if not group & given:
            findings.error(
                path, f"Step {step.name} ({spec.name}) needs {' or '.join(sorted(group))}."
            )
    for name, value in step.inputs.items():
        if spec.optional is not None and name not in spec.optional | spec.required | _all(spec):
            findings.error((*path, name), f"{spec.name} has no input {name}; remove it.")
        elif name in spec.types and not fits_input(value, spec.types[name]):
            wanted = describe_type(spec.types[name])
            findings.error((*path, name), f"{name} must be {wanted} ({spec.types[name]}).")


def _all(spec: ActionSpec) -> frozenset[str]:
    return frozenset().union(*spec.one_of)


def _check_on_cancel(step: Step, spec: ActionSpec, findings: Findings) -> None:
    if step.on_cancel != "Abort" and not spec.can_have_on_cancel:
        findings.error((*step.path, "onCancel"), f"{spec.name} does not support onCancel.")


def _check_outputs(step: Step, spec: ActionSpec | None, findings: Findings) -> None:
    reserved = {"OutputPayload", *(spec.outputs if spec else ())}
    seen: set[str] = set()
    for index, output in enumerate(step.outputs):
        path = (*step.path, "outputs", index)
        if output.name in seen:
            findings.error((*path, "Name"), f"The output {output.name} is declared twice.")
        seen.add(output.name)
        if output.name in reserved:
            names = ", ".join(sorted(reserved))
            findings.error(
                (*path, "Name"),
                f"{output.name} is reserved: {step.action} itself gives {names}; rename yours.",
            )
        if output.type not in OUTPUT_TYPES:
            findings.error(
                (*path, "Type"), f"An output's Type is one of {', '.join(OUTPUT_TYPES)}."
            )
        try:
            compile_selector(output.selector)
        except SelectorError as error:
            findings.error((*path, "Selector"), str(error))

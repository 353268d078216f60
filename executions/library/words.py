"""What an editor may complete: the words of the runbook language, and the names in one text."""

from __future__ import annotations

from typing import Any

from executions.actions import registry
from executions.runbook import shape
from executions.runbook.constraints import PARAMETER_TYPES
from executions.runbook.parse import inspect
from executions.runbook.template import SYSTEM_NAMES
from executions.runbook.types import ActionSpec, DocumentRefused, Step, clip


def vocabulary() -> dict[str, Any]:
    """The words that are the same in every document, as JSON values; from the registry."""
    return {
        "top": sorted(shape.TOP_KEYS),
        "step": sorted(shape.STEP_KEYS),
        "parameter": sorted(shape.PARAMETER_KEYS),
        "types": sorted(PARAMETER_TYPES),
        "system": sorted(SYSTEM_NAMES),
        "actions": {action.spec.name: _describe(action.spec, action) for action in registry},
    }


def _describe(spec: ActionSpec, action: object) -> dict[str, Any]:
    inputs = dict.fromkeys(spec.required, True) | dict.fromkeys(spec.optional or (), False)
    return {
        "about": (type(action).__doc__ or "").strip().partition("\n")[0],
        "inputs": {
            name: {"type": spec.types.get(name, ""), "required": inputs[name]}
            for name in sorted(inputs)
        },
        "outputs": dict(sorted(spec.outputs.items())),
    }


def names_in(content: str, fmt: str) -> dict[str, Any] | None:
    """The steps (with their actions and outputs), parameters and variables of a text.

    None if the text cannot be read at all: an editor then keeps the names it knows.
    """
    try:
        found, _ = inspect(content, "JSON" if fmt == "JSON" else "YAML")
    except DocumentRefused:
        return None
    return {
        "steps": {step.name: _outputs(step) for step in found.walk() if step.name},
        "parameters": {one.name: clip(one.type) for one in found.parameters.values()},
        "variables": {one.name: clip(one.type) for one in found.variables.values()},
    }


def _outputs(step: Step) -> dict[str, Any]:
    action = registry.get(step.action)
    known = dict(action.spec.outputs) if action else {}
    return {
        "action": step.action,
        "outputs": known | {output.name: output.type for output in step.outputs},
    }

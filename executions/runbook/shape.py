"""From plain data to a Runbook: every key where it belongs and of the kind it should be."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from .fields import Fields, name_kind
from .findings import Findings
from .tree import Tree
from .types import Format, OutputSpec, Parameter, Path, Problem, Runbook, Step, Value, Variable

TOP_KEYS: Final = frozenset(
    {
        *("schemaVersion", "description", "assumeRole", "parameters", "variables"),
        *("mainSteps", "outputs", "files"),
        # change templates only
        *("templateInformation", "executableRunBooks", "emergencyChange", "autoApprovable"),
    }
)
STEP_KEYS: Final = frozenset(
    {
        *("name", "action", "description", "inputs", "outputs", "maxAttempts", "timeoutSeconds"),
        *("onFailure", "onCancel", "isCritical", "isEnd", "nextStep"),
    }
)
PARAMETER_KEYS: Final = frozenset(
    {
        *("type", "description", "default", "allowedValues", "allowedPattern", "displayType"),
        *("minItems", "maxItems", "minChars", "maxChars", "interpolationType"),
    }
)
_REFERENCE: Final = re.compile(r"\s*\{\{[^{}]+\}\}\s*")
_ON_FAILURE: Final = re.compile(r"Abort|Continue|step:\S+")
_ON_CANCEL: Final = re.compile(r"Abort|step:\S+")


def build_runbook(tree: Tree, fmt: Format) -> tuple[Runbook, list[Problem]]:
    """The runbook as far as it can be read, and what is wrong with its shape."""
    runbook = Runbook("", (), format=fmt, positions=tree.positions)
    findings = Findings(runbook.locate)
    top = Fields(tree.data, (), findings, "A runbook")
    if not isinstance(tree.data, dict):
        return runbook, findings.problems
    top.refuse_unknown(TOP_KEYS)
    runbook = replace(
        runbook,
        data=tree.data,
        schema_version=_read_version(top),
        description=top.text("description") or "",
        assume_role=top.text("assumeRole"),
        parameters=_read_parameters(top),
        variables=_read_variables(top),
        steps=_read_main_steps(top),
        outputs=_read_document_outputs(top),
        files=top.entries("files"),
    )
    return runbook, findings.problems


def _read_version(top: Fields) -> str:
    version = top.get("schemaVersion")
    if version not in ("0.3", 0.3):  # unquoted YAML reads as a number
        written = "it is missing" if version is None else f"not {version!r:.20}"
        top.findings.error(
            ("schemaVersion",), f"schemaVersion must be '0.3' for an Automation runbook; {written}."
        )
    return "0.3"


def _read_parameters(top: Fields) -> dict[str, Parameter]:
    declared = top.entries("parameters")
    return {name: _read_parameter(name, value, top.findings) for name, value in declared.items()}


def _read_parameter(name: str, value: Value, findings: Findings) -> Parameter:
    fields = Fields(value, ("parameters", name), findings, "A parameter")
    for key in fields.keys() - PARAMETER_KEYS:
        findings.warn((*fields.path, key), f"{key} is not an attribute of parameters; ignored.")
    return Parameter(
        name=name,
        type=fields.text("type", required=True) or "String",
        description=fields.text("description") or "",
        default=fields.get("default"),
        has_default="default" in fields,
        allowed_values=tuple(fields.items("allowedValues")),
        allowed_pattern=fields.text("allowedPattern"),
        display_type=fields.text("displayType"),
        min_items=fields.whole("minItems"),
        max_items=fields.whole("maxItems"),
        min_chars=fields.whole("minChars"),
        max_chars=fields.whole("maxChars"),
    )


def _read_variables(top: Fields) -> dict[str, Variable]:
    return {
        name: _read_variable(name, value, top.findings)
        for name, value in top.entries("variables").items()
    }


def _read_variable(name: str, value: Value, findings: Findings) -> Variable:
    fields = Fields(value, ("variables", name), findings, "A variable")
    fields.refuse_unknown(("type", "default", "description"))
    return Variable(
        name=name,
        type=fields.text("type", required=True) or "String",
        default=fields.get("default"),
        description=fields.text("description") or "",
    )


def _read_main_steps(top: Fields) -> tuple[Step, ...]:
    if not top.get("mainSteps"):
        top.findings.error(("mainSteps",), "A runbook needs mainSteps with at least one step.")
    return _read_steps(top.items("mainSteps"), ("mainSteps",), top.findings)


def _read_steps(
    items: list[Value], path: Path, findings: Findings, loop: str | None = None
) -> tuple[Step, ...]:
    return tuple(
        _read_step(Fields(item, (*path, index), findings, "A step"), loop)
        for index, item in enumerate(items)
    )


def _read_step(fields: Fields, loop: str | None) -> Step:
    fields.refuse_unknown(STEP_KEYS)
    name = fields.text("name", required=True) or ""
    action = fields.text("action", required=True) or ""
    inputs = fields.entries("inputs")
    body: tuple[Step, ...] = ()
    if action == "aws:loop" and "Steps" in inputs:
        inputs, body = _split_loop(fields, name, loop, inputs)
    return Step(
        name=name,
        action=action,
        inputs=inputs,
        outputs=_read_step_outputs(fields),
        on_failure=_read_jump(fields, "onFailure", _ON_FAILURE, "Abort, Continue or step:NAME"),
        on_cancel=_read_jump(fields, "onCancel", _ON_CANCEL, "Abort or step:NAME"),
        is_critical=fields.flag("isCritical"),
        is_end=fields.flag("isEnd") or False,
        next_step=fields.text("nextStep"),
        max_attempts=fields.whole("maxAttempts", least=1) or 1,
        timeout_seconds=_read_timeout(fields),
        description=fields.text("description") or "",
        line=fields.findings.locate(fields.path)[0],
        path=fields.path,
        loop=loop,
        steps=body,
    )


def _split_loop(
    fields: Fields, name: str, loop: str | None, inputs: dict[str, Value]
) -> tuple[dict[str, Value], tuple[Step, ...]]:
    """The loop's own inputs, and its body, which no one resolves before a pass begins."""
    path = (*fields.path, "inputs", "Steps")
    if loop is not None:
        fields.findings.error(path, f"A loop may not stand inside the loop {loop!r}; flatten them.")
        return inputs, ()
    body = inputs["Steps"]
    if not isinstance(body, list) or not body:
        fields.findings.error(
            path, f"Steps must be a list of at least one step, not {name_kind(body)}."
        )
        body = []
    own = {key: value for key, value in inputs.items() if key != "Steps"}
    return own, _read_steps(body, path, fields.findings, name)


def _read_jump(fields: Fields, key: str, allowed: re.Pattern[str], words: str) -> str:
    written = fields.text(key)
    if written is None or allowed.fullmatch(written):
        return written or "Abort"
    fields.findings.error((*fields.path, key), f"{key} must be {words}, not {written!r}.")
    return "Abort"


def _read_timeout(fields: Fields) -> int | str | None:
    written = fields.get("timeoutSeconds")
    if isinstance(written, str) and _REFERENCE.fullmatch(written):
        return written
    return fields.whole("timeoutSeconds", least=1)


def _read_step_outputs(fields: Fields) -> tuple[OutputSpec, ...]:
    path = (*fields.path, "outputs")
    return tuple(
        _read_output(Fields(item, (*path, index), fields.findings, "A step output"))
        for index, item in enumerate(fields.items("outputs"))
    )


def _read_output(fields: Fields) -> OutputSpec:
    fields.refuse_unknown(("Name", "Selector", "Type"))
    return OutputSpec(
        name=fields.text("Name", required=True) or "",
        selector=fields.text("Selector", required=True) or "",
        type=fields.text("Type") or "String",
    )


def _read_document_outputs(top: Fields) -> tuple[str, ...]:
    listed = []
    for index, item in enumerate(top.items("outputs")):
        if isinstance(item, str):
            listed.append(item)
        else:
            top.findings.error(
                ("outputs", index), f"An output is text like step.Output, not {name_kind(item)}."
            )
    return tuple(listed)

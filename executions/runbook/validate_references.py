"""Rules for references: that they name something, in time, and safely."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from .findings import Findings
from .graph import build_edges, reach
from .template import CODE_INPUTS, SYSTEM_NAMES, walk_references, whole_reference
from .types import ActionSpec, Parameter, Path, Runbook, Step, Value

_ROLE: Final = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:role/.+")
_SHELL_INPUTS: Final = frozenset({"commands", "runCommand"})
_LOOP_OUTPUTS: Final = frozenset({"CurrentIteration", "CurrentIteratorValue"})
# What a script gives besides its own outputs; published runbooks declare a Payload of their own.
_SCRIPT_OUTPUTS: Final = frozenset({"Payload", "ExecutionLog"})
# For inputs whose action is strict: which parameter types serve as which input type.
_SERVES: Final = {"StringList": ("StringList", "String")}


def check_references(
    runbook: Runbook, actions: Mapping[str, ActionSpec], findings: Findings
) -> None:
    """Every reference of every step, of the role and of the document's outputs."""
    checker = _Checker(runbook, actions, findings)
    for step in runbook.walk():
        checker.check_step(step)
    checker.check_role()
    checker.check_outputs()
    checker.check_unused()


class _Checker:
    """One pass over a runbook; remembers which parameters were used."""

    def __init__(
        self, runbook: Runbook, actions: Mapping[str, ActionSpec], findings: Findings
    ) -> None:
        self._runbook = runbook
        self._actions = actions
        self._findings = findings
        self._steps = {step.name: step for step in runbook.walk()}
        self._after = reach(build_edges(runbook))
        self._used: set[str] = set()

    def check_step(self, step: Step) -> None:
        """The references in a step's inputs and time-out.

        AWS saves a branch that compares a parameter nobody declared, and published runbooks have
        such; what is missing makes the comparison false.
        """
        is_compared = step.action == "aws:branch"
        for path, reference in _walk_step(step):
            if is_compared and "." not in reference and ":" not in reference:
                self._check_compared(path, reference)
            else:
                self._check_name(path, reference)
            self._check_order(path, reference, step)
        for name, value in step.inputs.items():
            self._check_strict(step, name, value)
            if name not in CODE_INPUTS:
                self._check_shell((*step.path, "inputs", name), value)

    def check_role(self) -> None:
        """AWS, "assumeRole": an ARN, a parameter, or an ARN made of parameters and the account."""
        role = self._runbook.assume_role
        path: Path = ("assumeRole",)
        if not role:
            self._findings.warn(
                path, "Without assumeRole the steps run with the rights of whoever starts it."
            )
            return
        references = [reference for _, reference in walk_references(role)]
        for reference in references:
            self._check_name(path, reference)
            if "." in reference or reference.startswith("variable:"):
                self._findings.error(path, "assumeRole may name only parameters and system values.")
        if not references and not _ROLE.fullmatch(role):
            self._findings.warn(path, f"{role!r:.100} is no role ARN; no step can assume it.")

    def check_outputs(self) -> None:
        """AWS, "outputs": step.Output of a step, or a parameter's name."""
        for index, listed in enumerate(self._runbook.outputs):
            path: Path = ("outputs", index)
            step, dot, _ = listed.partition(".")
            if not dot and listed in self._runbook.parameters:
                self._used.add(listed)
            elif not dot or step not in self._steps:
                self._findings.error(
                    path, f"{listed!r:.100} must be step.Output of a step, without braces."
                )
            else:
                self._check_output(path, listed)

    def check_unused(self) -> None:
        """Warn of parameters that change nothing."""
        for parameter in self._runbook.parameters.values():
            self._used.update(reference for _, reference in walk_references(parameter.default))
        for name in self._runbook.parameters.keys() - self._used:
            self._findings.warn(
                ("parameters", name), f"Parameter {name} is not used; its value changes nothing."
            )

    def _check_name(self, path: Path, reference: str) -> None:
        prefix, colon, name = reference.partition(":")
        if not colon and "." not in reference:
            self._check_parameter(path, reference)
        elif not colon:
            self._check_output(path, reference)
        elif prefix == "ssm":
            self._findings.error(
                path,
                f"{{{{ {reference} }}}} may stand only as a parameter's default; declare a "
                "parameter with it and refer to that.",
            )
        elif prefix == "variable":
            if name not in self._runbook.variables:
                self._findings.error(path, f"Variable {name} is not declared under variables.")
        elif reference not in SYSTEM_NAMES:
            known = ", ".join(sorted(SYSTEM_NAMES))
            self._findings.error(path, f"{reference} does not exist; there are {known}.")

    def _check_parameter(self, path: Path, name: str) -> None:
        self._used.add(name)
        if name in self._runbook.parameters:
            return
        hint = " It is a step; name one of its outputs." if name in self._steps else ""
        self._findings.error(path, f"Parameter {name} is not declared.{hint}")

    def _check_compared(self, path: Path, name: str) -> None:
        if name in self._runbook.parameters:
            self._used.add(name)
        else:
            self._findings.warn(
                path, f"Parameter {name} is not declared; comparisons with it are false."
            )

    def _check_output(self, path: Path, reference: str) -> None:
        step_name, _, output = reference.partition(".")
        step = self._steps.get(step_name)
        if step is None:
            self._findings.error(path, f"There is no step {step_name} to take {reference} from.")
            return
        spec = self._actions.get(step.action)
        known = {"OutputPayload", *(item.name for item in step.outputs)}
        known |= _LOOP_OUTPUTS if step.steps else set()
        known |= _SCRIPT_OUTPUTS if step.action == "aws:executeScript" else set()
        if spec is not None and output not in known | spec.outputs.keys():
            self._findings.warn(
                path, f"Step {step_name} declares no output {output}; it will have no value."
            )

    def _check_order(self, path: Path, reference: str, step: Step) -> None:
        source = self._steps.get(reference.partition(".")[0])
        if source is None or ":" in reference or "." not in reference or source.name == step.loop:
            return
        if step.name not in self._after(source.name):
            self._findings.warn(
                path, f"Step {source.name} never runs before {step.name}: no value for {reference}."
            )

    def _check_strict(self, step: Step, name: str, value: Value) -> None:
        """AWS checks the types of parameter references at creation for aws:runCommand only."""
        spec = self._actions.get(step.action)
        if spec is None or not spec.strict_references or name not in spec.types:
            return
        reference = whole_reference(value) if isinstance(value, str) else None
        parameter = self._runbook.parameters.get(reference or "")
        wanted = spec.types[name]
        if parameter and parameter.value_type not in _SERVES.get(wanted, (wanted,)):
            self._findings.error(
                (*step.path, "inputs", name),
                f"{name} takes a {wanted}, but parameter {parameter.name} is a {parameter.type}.",
            )

    def _check_shell(self, path: Path, value: Value) -> None:
        for below, reference in walk_references(value):
            where = (*path, *below)
            if not any(part in _SHELL_INPUTS for part in where) or not self._is_free_text(
                reference
            ):
                continue
            advice = (
                "give the parameter an allowedPattern or allowedValues"
                if reference in self._runbook.parameters
                else "check it in a step before"
            )
            self._findings.warn(
                where,
                f"{{{{ {reference} }}}} becomes part of a shell line as it stands, so whoever sets "
                f"it can run commands; {advice}.",
            )

    def _is_free_text(self, reference: str) -> bool:
        if ":" in reference:
            return reference.startswith("variable:")
        parameter = self._runbook.parameters.get(reference)
        return parameter is None or _is_unbounded(parameter)


def _is_unbounded(parameter: Parameter) -> bool:
    bounded = parameter.allowed_pattern or parameter.allowed_values
    return not bounded and parameter.type in ("String", "StringList", "StringMap", "MapList")


def _walk_step(step: Step) -> Iterator[tuple[Path, str]]:
    for name, value in step.inputs.items():
        if name not in CODE_INPUTS:
            yield from walk_references(value, (*step.path, "inputs", name))
    if isinstance(step.timeout_seconds, str):
        yield from walk_references(step.timeout_seconds, (*step.path, "timeoutSeconds"))

"""Rules for declared parameters and variables."""

from __future__ import annotations

import re
from typing import Final

from .constraints import PARAMETER_TYPES
from .findings import Findings
from .literals import describe_type, fits_declaration
from .patterns import compile_pattern
from .template import SYSTEM_NAMES, walk_references, whole_reference
from .types import VALUE_TYPES, Parameter, Path, Runbook

_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,50}")
MAX_PARAMETERS: Final = 200


def check_parameters(runbook: Runbook, findings: Findings) -> None:
    """Names, types, defaults and constraints. (AWS, "Data elements and parameters".)"""
    if len(runbook.parameters) > MAX_PARAMETERS:
        findings.error(("parameters",), f"A runbook has at most {MAX_PARAMETERS} parameters.")
    for name, parameter in runbook.parameters.items():
        path = ("parameters", name)
        _check_name(name, path, findings)
        if parameter.type not in PARAMETER_TYPES:
            known = ", ".join(sorted(PARAMETER_TYPES))
            findings.error(
                (*path, "type"), f"{parameter.type} is no parameter type; use one of {known}."
            )
        elif parameter.has_default:
            _check_default(parameter, runbook, findings)
        _check_constraints(parameter, path, findings)


def check_variables(runbook: Runbook, findings: Findings) -> None:
    """Names, types and defaults of variables. (AWS, "aws:updateVariable".)"""
    for name, variable in runbook.variables.items():
        path = ("variables", name)
        _check_name(name, path, findings)
        if variable.type not in VALUE_TYPES:
            known = ", ".join(VALUE_TYPES)
            findings.error((*path, "type"), f"A variable's type is one of {known}.")
        elif variable.default is not None and not fits_declaration(variable.default, variable.type):
            wanted = describe_type(variable.type)
            findings.error((*path, "default"), f"The default of {name} must be {wanted}.")


def _check_name(name: str, path: Path, findings: Findings) -> None:
    if not _NAME.fullmatch(name):
        findings.error(
            path, f"{name!r:.80} is no name: use 1 to 50 letters, digits and underscores."
        )


def _check_default(parameter: Parameter, runbook: Runbook, findings: Findings) -> None:
    default = parameter.default
    path = ("parameters", parameter.name, "default")
    for _, reference in walk_references(default):
        if reference.startswith("ssm:"):
            _check_stored(parameter, path, findings)
        elif reference not in runbook.parameters and reference not in SYSTEM_NAMES:
            findings.warn(path, f"{reference} in this default names no parameter of the runbook.")
    referenced = isinstance(default, str) and whole_reference(default) is not None
    if not referenced and not fits_declaration(default, parameter.value_type):
        wanted = describe_type(parameter.value_type)
        findings.error(path, f"The default of {parameter.name} must be {wanted}.")


def _check_stored(parameter: Parameter, path: Path, findings: Findings) -> None:
    whole = isinstance(parameter.default, str) and whole_reference(parameter.default)
    if not whole:
        findings.error(path, "A Parameter Store reference must be the whole default.")
    elif parameter.value_type not in ("String", "StringList"):
        findings.error(
            path, "Only String and StringList parameters take their default from Parameter Store."
        )


def _check_constraints(parameter: Parameter, path: Path, findings: Findings) -> None:
    if parameter.allowed_pattern is not None:
        try:
            compile_pattern(parameter.allowed_pattern)
        except ValueError as error:
            findings.error(
                (*path, "allowedPattern"), f"allowedPattern is no regular expression: {error}."
            )
    for what in ("items", "chars"):
        least, most = getattr(parameter, f"min_{what}"), getattr(parameter, f"max_{what}")
        if least is not None and most is not None and least > most:
            key = f"max{what.capitalize()}"
            findings.error((*path, key), f"{key} is less than min{what.capitalize()}; swap them.")

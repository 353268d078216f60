"""Every rule of a document that can be checked before it runs."""

from __future__ import annotations

from collections.abc import Mapping

from .findings import Findings
from .parse import inspect
from .types import ActionSpec, DocumentRefused, Format, Problem, Runbook
from .validate_flow import check_flow
from .validate_parameters import check_parameters, check_variables
from .validate_references import check_references
from .validate_steps import check_steps


def validate(runbook: Runbook, actions: Mapping[str, ActionSpec]) -> list[Problem]:
    """All problems of a runbook, errors and warnings, in document order.

    Errors are what CreateDocument refuses with InvalidDocumentContent; warnings are for the
    reviewer. Of `actions`, the registry, only what is known is checked: an unknown action is a
    warning, since such a document loads and fails at its step.
    """
    findings = Findings(runbook.locate)
    check_parameters(runbook, findings)
    check_variables(runbook, findings)
    check_steps(runbook, actions, findings)
    check_flow(runbook, actions, findings)
    check_references(runbook, actions, findings)
    return sorted(findings.problems)


def check(
    text: str, actions: Mapping[str, ActionSpec], fmt: Format | None = None
) -> tuple[Runbook | None, list[Problem]]:
    """Parse and validate: the runbook and every problem, those of its shape included.

    The runbook is None if any problem is an error.
    """
    try:
        runbook, problems = inspect(text, fmt)
    except DocumentRefused as refused:
        return None, refused.problems
    problems = sorted({*problems, *validate(runbook, actions)})
    refused_by = any(problem.severity == "error" for problem in problems)
    return (None if refused_by else runbook), problems

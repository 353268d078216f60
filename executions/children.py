"""Runs that a step of another run starts (aws:executeAutomation), and how the two hear of
each other.

The child is inserted in the transaction that lets its parent wait, so neither is there without
the other; its end wakes the parent in the transaction of that end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid5

from executions import library, lifecycle, parameter_store
from executions.actions.base import Child, ChildRun, StepFailed
from executions.errors import Conflict, NotAllowed, Refused
from executions.library import changes
from executions.models import DocumentVersion, Execution, JournalEntry, StepExecution, rows

DEEPEST: Final = 5  # AWS, "aws:executeAutomation": levels of runs below the first
CHILDREN: Final = UUID("6c1f4b0e-58a4-5a0b-9d43-2f1a5c0de7a9")


def prepare(parent: Execution, row: StepExecution, child: Child, token: str) -> Callable[[], None]:
    """Check that the step may start this run, as whoever started its own.

    Answers with what inserts the run, which belongs into the commit that lets the step wait. A
    refusal is journalled as that of any other start, and fails the step.
    """
    if parent.depth >= DEEPEST:
        raise StepFailed(
            f"{child.document} would be run {DEEPEST + 1} levels below the first execution, and"
            f" {DEEPEST} are the limit. A runbook that starts itself has no end.",
            retryable=False,
            stage="PreVerification",
        )
    try:
        return _prepare(parent, row, child, token)
    except Refused as refusal:
        denied = isinstance(refusal, NotAllowed)
        raise StepFailed(
            f"{child.document} could not be started: {refusal.message}",
            retryable=False,
            stage="PreVerification" if denied else "InputValidation",
            kind="Permission" if denied else "Action",
        ) from refusal


def _prepare(parent: Execution, row: StepExecution, child: Child, token: str) -> Callable[[], None]:
    by = parent.started_by
    entry = JournalEntry(
        person=by,
        principal=parent.executed_by,
        action="ssm:StartAutomationExecution",
        resource=child.document,
        data={"parent": str(parent.id), "step": row.name},
    )
    try:
        if not by.act_as(parent.executed_by):
            raise NotAllowed(f"{parent.executed_by} is not a principal of {by} any more.")
        document = library.locate(child.document, region=parent.region, by=by)
        entry.resource = document.arn(parent.region)
        version = changes.find_version(document, child.version, by=by)
        _check_bound(parent, row, version)
        request = lifecycle.Start(version, parent.region, child.parameters, tags=child.tags)
        execution = lifecycle.preview(parameter_store.complete(request, by=by), by=by)
        execution.id, execution.depth = child_id(token), parent.depth + 1
        execution.parent, execution.parent_step = parent, row
        execution.origin_id = parent.origin_id
        lifecycle.check_tags(execution, child.tags, by)
    except Refused as refusal:
        entry.granted, entry.reason = False, refusal.message
        rows.insert(entry)
        raise
    entry.granted = True
    entry.data |= {"execution": str(execution.id), "parameters": execution.parameters}
    return partial(_insert, execution, child.tags, entry)


def _check_bound(parent: Execution, row: StepExecution, version: DocumentVersion) -> None:
    """Refused if a step before this one, such as an approval, was for another text."""
    binding = parent.steps.filter(state__binds__has_key=row.name).order_by("-number")
    state = binding.values_list("state", flat=True).first()
    if state and state["binds"][row.name] != version.sha256:
        raise Conflict(
            f"{version} is not the text that was approved for step {row.name}. Start the execution"
            " again, so that this text is approved."
        )


def _insert(execution: Execution, tags: Mapping[str, str], entry: JournalEntry) -> None:
    lifecycle.accept(execution, tags)
    rows.insert(entry)


def find_version(parent: Execution, inputs: Mapping[str, Any]) -> DocumentVersion | None:
    """The version that a step with these inputs would start now; None if that is not known."""
    by = parent.started_by
    try:
        if not by.act_as(parent.executed_by):
            return None
        wanted = str(inputs.get("DocumentVersion", "")).strip()
        document = library.locate(str(inputs.get("DocumentName")), region=parent.region, by=by)
        return changes.find_version(document, wanted, by=by)
    except Refused:
        return None


def child_id(token: str) -> UUID:
    """The id of the run that an attempt with this token starts: always the same."""
    return uuid5(CHILDREN, token)


def look(token: str) -> ChildRun | None:
    """The run that the attempt with this token has started."""
    found = Execution.objects.select_related("version").filter(pk=child_id(token)).first()
    if found is None:
        return None
    listed = library.runbook(found.version).outputs  # PostgreSQL does not keep the order of keys
    return ChildRun(
        execution_id=str(found.id),
        document=found.document_name,
        status=found.status,
        is_over=found.is_over,
        outputs=[text for name in listed for text in found.outputs.get(name, ())],
        message=found.failure_message,
    )


def cancel(row: StepExecution, deadline: datetime | None = None) -> list[UUID]:
    """Cancel what the step has started and what has not ended, by its own onCancel steps.

    They have two minutes, or until the deadline of whatever cancels them, so that runs below
    runs do not add theirs. Cancelled twice, it goes on as it does. Answers with the ids.
    """
    running = Execution.objects.active().filter(parent_step=row).values_list("id", flat=True)
    return [child for child in running if lifecycle.halt(child, deadline=deadline)]

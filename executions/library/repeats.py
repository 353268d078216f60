"""Steps that may be sent again after a lost answer, because somebody vouches for them.

Nothing tells whether a script, a function, a command or a webhook took effect before its answer
was lost, so a person decides. Whoever may change a document may declare that a second time does no
harm. That is no part of the document's text: approvals show it, and are bound to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from executions import library
from executions.errors import BadParameters, NotAllowed
from executions.events import asked
from executions.models import Document, DocumentVersion, Execution, RepeatableStep

if TYPE_CHECKING:
    from console.iam.models import User

# Of these AWS tells too little. All others are looked up, and what is found there may forbid it.
ACTIONS: Final = frozenset(
    {
        "aws:executeAwsApi",
        "aws:executeScript",
        "aws:invokeLambdaFunction",
        "aws:invokeWebhook",
        "aws:runCommand",
    }
)
VALIDATION: Final = "ValidationException"


def may_declare(document: Document, *, by: User) -> bool:
    """Whether the person may change the document, which is one of their account."""
    account = by.principal.account_id if by.principal else ""
    return document.owner == account and by.has_perm("ssm:UpdateDocument", document.arn("*"))


def candidates(version: DocumentVersion) -> list[str]:
    """The names of the steps that can be declared."""
    return [step.name for step in library.runbook(version).walk() if step.action in ACTIONS]


def declare(version: DocumentVersion, step: str, reason: str, *, by: User) -> RepeatableStep:
    """Vouch for a step, in the runs that start from now on."""
    document = version.document
    with asked(by, "ssm:UpdateDocument", document.arn("*")) as entry:
        entry.data = {"version": version.number, "repeatable": step, "reason": reason}
        _check(document, by)
        if step not in candidates(version):
            raise BadParameters(
                {"step": [f"{document.name} has no step {step[:128]} that has to be vouched for."]},
                code=VALIDATION,
            )
        if not reason.strip():
            raise BadParameters(
                {"reason": ["Say why it does no harm a second time."]}, code=VALIDATION
            )
        made, _ = RepeatableStep.objects.get_or_create(
            version=version,
            step=step,
            defaults={
                "reason": reason.strip(),
                "declared_by": by,
                "declared_by_arn": by.principal.arn if by.principal else "",
            },
        )
        return made


def withdraw(version: DocumentVersion, step: str, *, by: User) -> None:
    """Vouch no longer, also for runs that are under way."""
    document = version.document
    with asked(by, "ssm:UpdateDocument", document.arn("*")) as entry:
        entry.data = {"version": version.number, "repeatable": step, "withdrawn": True}
        _check(document, by)
        version.repeatable_steps.filter(step=step).delete()


def declared(execution: Execution) -> dict[str, RepeatableStep]:
    """By name, the steps that may be repeated in a run: declared before it started, and still so.

    What is declared later was not before those who approved the run.
    """
    found = RepeatableStep.objects.filter(
        version=execution.version_id, at__lte=execution.created_at
    )
    return {one.step: one for one in found}


def _check(document: Document, by: User) -> None:
    if not may_declare(document, by=by):
        raise NotAllowed(f"You may not do ssm:UpdateDocument on the document {document.name}.")

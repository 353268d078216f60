"""manage.py verify_history: whether what is stored can have happened."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals import history as of_approvals
from executions import history as of_runs
from executions.models import Execution, JournalEntry

CHUNK = 200


class Command(BaseCommand):
    """Reads every execution with its steps, events, approvals and its start in the journal."""

    help = "Check that every execution's rows fit together; says which do not, and ends with 1."

    def add_arguments(self, parser: CommandParser) -> None:
        """All executions, or some."""
        parser.add_argument("executions", nargs="*", type=UUID, metavar="EXECUTION")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the problems, and a count."""
        found = Execution.objects.select_related("version").order_by("created_at")
        if options["executions"]:
            found = found.filter(pk__in=options["executions"])
        journalled = started()
        checked = broken = 0
        for execution in found.iterator(chunk_size=CHUNK):
            checked += 1
            problems = [*of_runs.problems(execution), *of_approvals.problems(execution)]
            if str(execution.pk) not in journalled:
                problems.append("nobody asked for it in the journal")
            broken += bool(problems)
            for problem in problems:
                self.stderr.write(f"{execution.pk}: {problem}")
        self.stdout.write(f"{checked} executions, {broken} that cannot have happened so")
        if broken:
            raise CommandError(f"{broken} of {checked} executions are broken; see above.")


def started() -> set[str]:
    """The executions whose start stands in the journal as granted."""
    entries = JournalEntry.objects.filter(action="ssm:StartAutomationExecution", granted=True)
    ids = entries.values_list("data__execution", flat=True)
    return {str(found) for found in ids.iterator(chunk_size=CHUNK)}

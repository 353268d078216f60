"""Running an execution again from the step that failed: as a new execution (earlier.py, kept.py).

What has ended stays as it ended. The person who runs it again starts the new one, and so must be
allowed to; whoever has to approve is asked by the new one, and told what it keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from executions import earlier, library, lifecycle
from executions.library import changes
from executions.models import Execution
from executions.runbook.values import Bound

if TYPE_CHECKING:
    from console.iam.models import User


def start(execution_id: UUID, *, by: User, token: str = "") -> Execution:
    """Run an execution that the person may see again: same version, parameters and Region.

    The same client token gives the same execution again. Raises what `lifecycle.start` does, and
    Conflict, in words, if it cannot be run again now.
    """
    execution = lifecycle.find(execution_id, by=by)
    return lifecycle.start(_make_request(execution, by, token), by=by)


def preview(execution: Execution, *, by: User) -> Execution:
    """What start() would start, unsaved; refused for the same reasons."""
    earlier.check(execution)
    return lifecycle.preview(_make_request(execution, by), by=by)


def _make_request(execution: Execution, by: User, token: str = "") -> lifecycle.Start:
    """The start, of a version that the person's account may still use."""
    arn, region = execution.version.document.arn(execution.region), execution.region
    document = library.locate(arn, region=region, by=by)
    return lifecycle.Start(
        changes.find_version(document, str(execution.version.number), by=by),
        region,
        execution.parameters,
        client_token=token,
        bound=Bound(values=execution.values),  # also those that Parameter Store had then
        redrive_of=execution,
    )

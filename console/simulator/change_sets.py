"""Change sets: described as moto does, and executed as operations that take their time."""

from __future__ import annotations

from typing import Final, cast

from moto.cloudformation import models
from moto.cloudformation.models import ChangeSet, CloudFormationBackend

from console.simulator import templates
from console.simulator.stacks import SimulatedStack

REVIEWED: Final = "REVIEW_IN_PROGRESS"


def install() -> None:
    """Put this in the place of moto's change sets, once per process."""
    setattr(ChangeSet, ChangeSet._parse_template.__name__, _parse_template)  # noqa: SLF001 - moto's own step
    setattr(CloudFormationBackend, execute_change_set.__name__, execute_change_set)
    setattr(models, models.Stack.__name__, SimulatedStack)


def execute_change_set(
    backend: CloudFormationBackend, change_set_name: str, stack_name: str | None = None
) -> None:
    """ExecuteChangeSet: create the reviewed stack, or begin to update the one that is there."""
    found = next(
        (
            each
            for each in backend.change_sets.values()
            if change_set_name == each.change_set_id
            or (change_set_name == each.change_set_name and stack_name in (None, each.stack_name))
        ),
        None,
    )
    if found is None:
        message = f"ChangeSet [{change_set_name}] does not exist"
        raise templates.refuse(message, "ChangeSetNotFound")
    if found.execution_status != "AVAILABLE":
        raise templates.refuse(
            f"ChangeSet [{found.change_set_id}] cannot be executed in its current status of "
            f"[{found.status}]",
            "InvalidChangeSetStatus",
        )
    stack = cast(SimulatedStack, backend.get_stack(found.stack_id))
    found.execution_status = "EXECUTE_COMPLETE"
    if stack.status == REVIEWED:
        stack.read(found.template, found.parameters)
        stack.turn("CREATE_IN_PROGRESS", "User Initiated")
        stack.create_resources()
    else:
        stack.update(found.template, found.role_arn, found.parameters, found.tags)


def _parse_template(change_set: ChangeSet) -> None:
    change_set.template_dict = templates.parse(change_set.template)

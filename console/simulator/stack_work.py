"""What CloudFormation does with a stack, step by step, each with its event.

"Stack status codes" has the statuses; "Stack failure options" what follows from a failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from moto.cloudformation.models import cloudformation_backends
from moto.core.utils import utcnow

from console.simulator import stack_resources, templates
from console.simulator.agenda import Work
from console.simulator.stack_resources import Made, NotMadeError

if TYPE_CHECKING:
    from collections.abc import Generator

    from console.simulator.stacks import SimulatedStack

# Seconds at time scale 1 for each resource, and between two steps of the stack itself.
RESOURCE: Final = 1.5
PAUSE: Final = 0.5
WITH_OUTPUTS: Final = frozenset(
    {
        *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        *("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS"),
        "DELETE_FAILED",
    }
)
NEW_RESOURCE: Final = (
    "Requested update requires the creation of a new physical resource; hence creating one."
)
NOT_THERE: Final = frozenset({"CREATE_FAILED", "CREATE_IN_PROGRESS"})
BY_THE_USER: Final = "Rollback requested by user."


def create(stack: SimulatedStack) -> Work:
    """Make all resources; then complete, or what the stack's failure option says."""
    yield PAUSE
    try:
        for logical_id in _wanted(stack):
            yield from _create_one(stack, logical_id)
        _export(stack)
    except NotMadeError as failure:
        yield from _end_creation(stack, str(failure))
        return
    stack.turn("CREATE_COMPLETE")


def update(stack: SimulatedStack, before: tuple[Any, dict[str, Any]]) -> Work:
    """Make, change and replace; what is no longer wanted goes last. Undo all after a failure."""
    old = dict(stack.made)
    yield PAUSE
    try:
        wanted = _wanted(stack)
        for logical_id in wanted:
            yield from _bring_about(stack, logical_id)
        _export(stack)
    except NotMadeError as failure:
        yield from _undo_update(stack, before, old, str(failure))
        return
    stack.turn("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    yield PAUSE
    for made in reversed(old.values()):
        if made.logical_id not in wanted:
            stack.forget(made.logical_id)
        if made.logical_id not in wanted or _is_replaced(stack, made):
            yield from _delete_one(stack, made, keep=True)
    stack.turn("UPDATE_COMPLETE")


def delete(stack: SimulatedStack) -> Work:
    """Delete all resources; DELETE_FAILED if something holds one."""
    yield PAUSE
    failed = yield from _delete_all(stack)
    if failed:
        listed = ", ".join(failed)
        stack.turn("DELETE_FAILED", f"The following resource(s) failed to delete: [{listed}]. ")
        return
    _finish_deletion(stack)


def _wanted(stack: SimulatedStack) -> list[str]:
    """The resources of the template whose condition holds, each after what it needs."""
    declared = stack.template_dict["Resources"]
    conditions = stack.resource_map.lazy_condition_map
    return [
        name
        for name in templates.order(stack.template_dict)
        if "Condition" not in declared[name] or conditions[declared[name]["Condition"]]
    ]


def _create_one(stack: SimulatedStack, logical_id: str) -> Generator[float]:
    kind = stack.template_dict["Resources"][logical_id]["Type"]
    _note(stack, Made(logical_id, kind, "CREATE_IN_PROGRESS"))
    yield RESOURCE
    try:
        made = stack_resources.create(stack, logical_id, stack_resources.resolve(stack, logical_id))
    except NotMadeError as failure:
        _note(stack, Made(logical_id, kind, "CREATE_FAILED", reason=str(failure)))
        raise NotMadeError(
            f"The following resource(s) failed to create: [{logical_id}]. "
        ) from failure
    stack.place(made)
    stack.tell(made)


def _bring_about(stack: SimulatedStack, logical_id: str) -> Generator[float]:
    """What an update does with one resource: nothing, if it is there already."""
    made = stack.made.get(logical_id)
    if made is None:
        yield from _create_one(stack, logical_id)
        return
    try:
        resolved = stack_resources.resolve(stack, logical_id)
        if resolved == made.resolved:
            return
        replacing = stack_resources.needs_replacement(made, resolved)
        reason = NEW_RESOURCE if replacing else None
        stack.tell(replace(made, status="UPDATE_IN_PROGRESS", reason=reason))
        yield RESOURCE
        if replacing:
            changed = stack_resources.create(stack, logical_id, resolved)
        else:
            changed = stack_resources.change(stack, made, resolved)
    except NotMadeError as failure:
        stack.tell(replace(made, status="UPDATE_FAILED", reason=str(failure)))
        raise NotMadeError(
            f"The following resource(s) failed to update: [{logical_id}]. "
        ) from failure
    changed.status = "UPDATE_COMPLETE"
    stack.place(changed)
    stack.tell(changed)


def _end_creation(stack: SimulatedStack, reason: str) -> Generator[float]:
    if stack.on_failure == "DO_NOTHING":
        stack.turn("CREATE_FAILED", reason)
        return
    if stack.on_failure == "DELETE":
        stack.turn("DELETE_IN_PROGRESS", f"{reason}Delete requested by user.")
    else:
        stack.turn("ROLLBACK_IN_PROGRESS", f"{reason}{BY_THE_USER}")
    yield PAUSE
    failed = yield from _delete_all(stack)
    if failed:
        listed = ", ".join(failed)
        status = "DELETE_FAILED" if stack.on_failure == "DELETE" else "ROLLBACK_FAILED"
        stack.turn(status, f"The following resource(s) failed to delete: [{listed}]. ")
    elif stack.on_failure == "DELETE":
        _finish_deletion(stack)
    else:
        stack.turn("ROLLBACK_COMPLETE")


def _undo_update(
    stack: SimulatedStack, before: tuple[Any, dict[str, Any]], old: dict[str, Made], reason: str
) -> Generator[float]:
    stack.turn("UPDATE_ROLLBACK_IN_PROGRESS", reason)
    yield PAUSE
    new = {name: made for name, made in stack.made.items() if made is not old.get(name)}
    stack.made = dict(old)
    stack.read(*before)
    try:
        for name, made in old.items():
            if name in new and new[name].physical_id == made.physical_id:
                yield from _change_back(stack, made, new.pop(name))
    except NotMadeError as failure:
        stack.turn("UPDATE_ROLLBACK_FAILED", str(failure))
        return
    stack.turn("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    yield PAUSE
    for made in reversed(new.values()):
        if made.status not in NOT_THERE:
            yield from _delete_one(stack, made, keep=True)
    stack.turn("UPDATE_ROLLBACK_COMPLETE")


def _change_back(stack: SimulatedStack, made: Made, changed: Made) -> Generator[float]:
    """Give a resource that was changed in place the properties that it had before."""
    stack.tell(replace(made, status="UPDATE_IN_PROGRESS", reason=None))
    yield RESOURCE
    stack.place(stack_resources.change(stack, changed, made.resolved))
    stack.tell(stack.made[made.logical_id])


def _is_replaced(stack: SimulatedStack, made: Made) -> bool:
    return stack.made[made.logical_id].physical_id != made.physical_id


def _delete_all(stack: SimulatedStack) -> Generator[float, None, list[str]]:
    """Delete what there is, last things first; the names of those that something holds."""
    for made in reversed(list(stack.made.values())):
        yield from _delete_one(stack, made)
    return [made.logical_id for made in stack.made.values()]


def _delete_one(
    stack: SimulatedStack, made: Made, keep: bool = False
) -> Generator[float, None, bool]:
    """Whether it is gone. keep: it is a predecessor, and another of its name stays in the stack."""
    declared = stack.template_dict["Resources"].get(made.logical_id, {})
    policy = declared.get("DeletionPolicy") or made.resolved.get("DeletionPolicy")
    is_there = made.status not in NOT_THERE
    if made.logical_id in stack.retained or policy == "Retain":
        stack.tell(replace(made, status="DELETE_SKIPPED", at=utcnow()))
    elif is_there:
        stack.tell(replace(made, status="DELETE_IN_PROGRESS", at=utcnow(), reason=None))
        yield RESOURCE
        try:
            stack_resources.remove(stack, made)
        except NotMadeError as failure:
            gone = replace(made, status="DELETE_FAILED", at=utcnow(), reason=str(failure))
            stack.tell(gone)
            if not keep:
                stack.place(gone)
            return False
        stack.tell(replace(made, status="DELETE_COMPLETE", at=utcnow(), reason=None))
    if not keep:
        stack.forget(made.logical_id)
    return True


def _note(stack: SimulatedStack, made: Made) -> None:
    """Show a resource that is not there yet, or never will be."""
    stack.made[made.logical_id] = made
    stack.tell(made)


def _export(stack: SimulatedStack) -> None:
    """Register what the stack exports; NotMadeError if another one exports that name."""
    exports = cloudformation_backends[stack.account_id][stack.region_name].exports
    found = {export.name: export for export in stack.output_map.exports}
    for name in found:
        if name in exports and exports[name].exporting_stack_id != stack.stack_id:
            raise NotMadeError(f"Export with name {name} is already exported by another stack. ")
    _withdraw_exports(stack, kept=found)
    exports.update(found)


def _withdraw_exports(stack: SimulatedStack, kept: Iterable[str] = ()) -> None:
    exports = cloudformation_backends[stack.account_id][stack.region_name].exports
    for name, export in list(exports.items()):
        if export.exporting_stack_id == stack.stack_id and name not in kept:
            del exports[name]


def _finish_deletion(stack: SimulatedStack) -> None:
    """From now on the stack shows by its id only."""
    backend = cloudformation_backends[stack.account_id][stack.region_name]
    _withdraw_exports(stack)
    backend.stacks.pop(stack.stack_id, None)
    backend.deleted_stacks[stack.stack_id] = stack
    stack.turn("DELETE_COMPLETE")

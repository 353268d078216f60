"""aws:createTags: put tags on EC2 resources, or on one resource of Systems Manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from executions.actions._calls import describe_refusal
from executions.actions._requests import typed_spec
from executions.actions.base import (
    BadInput,
    BaseAction,
    Call,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    Unknown,
    Wait,
    action,
)

# Resource id -> key -> value, of the keys that the step sets.
Tags: TypeAlias = dict[str, dict[str, str]]

SYSTEMS_MANAGER: Final = ("ManagedInstance", "MaintenanceWindow", "Parameter")
MOST_VALUES: Final = 200  # in one filter of DescribeTags


@action
class CreateTags(BaseAction):
    """AWS, "aws:createTags - Create tags for AWS resources"."""

    spec = typed_spec(
        "aws:createTags",
        {"ResourceIds": "StringList", "Tags": "MapList"},
        {"ResourceType": "String"},
        can_be_cancel_target=False,
    )

    def begin(self, ctx: StepContext) -> Outcome:
        """Note the old values, then overwrite them."""
        kind, ids, wanted = _read_inputs(ctx)
        tags = [{"Key": key, "Value": value} for key, value in wanted.items()]
        state = {"Before": _note(ctx)}
        if kind == "EC2":
            return Call("ec2", "CreateTags", {"Resources": ids, "Tags": tags}, state)
        request = {"ResourceType": kind, "ResourceId": ids[0], "Tags": tags}
        return Call("ssm", "AddTagsToResource", request, state)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """EC2 takes a moment until it shows a tag; Systems Manager does not."""
        if ctx.text("ResourceType", "EC2") != "EC2":
            return Done()
        return Wait(ctx.now, ctx.state)

    def resume(self, ctx: StepContext) -> Outcome:
        """Done as soon as the tags show. Who may not look takes EC2's word for it."""
        _, ids, wanted = _read_inputs(ctx)
        now = _note(ctx)
        if now is None or all(now.get(name) == wanted for name in ids):
            return Done()
        return Wait(ctx.poll(), ctx.state)

    def recover(self, ctx: StepContext) -> Outcome:
        """Adopt the tags if they are there, send again if the old values are, else ask."""
        if ctx.sent is None:
            return self.begin(ctx)
        _, ids, wanted = _read_inputs(ctx)
        try:
            now = _read(ctx)
        except CallFailed as error:
            doubt = describe_refusal(ctx.sent.service, "a look at the tags", error)
            return Unknown(f"The answer of {ctx.sent.operation} was lost: {doubt}.")
        open_ids = [name for name in ids if now.get(name, {}) != wanted]
        if not open_ids:
            return Done()
        return _send_again(ctx, {name: now.get(name, {}) for name in open_ids}, wanted)


def _read_inputs(ctx: StepContext) -> tuple[str, list[str], dict[str, str]]:
    """The resource type, the ids, and the tags as key -> value."""
    kind, ids = ctx.text("ResourceType", "EC2").strip() or "EC2", ctx.texts("ResourceIds")
    if not ids or not all(name.strip() for name in ids):
        raise BadInput("ResourceIds is empty or holds an empty id. Name at least one resource.")
    if kind not in ("EC2", *SYSTEMS_MANAGER):
        known = ", ".join(("EC2", *SYSTEMS_MANAGER))
        raise BadInput(f"ResourceType must be one of {known}, not {kind!r}.")
    if kind != "EC2" and len(ids) != 1:
        raise BadInput(f"ResourceIds names {len(ids)} resources; {kind} takes exactly one.")
    return kind, list(dict.fromkeys(ids)), _read_tags(ctx.inputs.get("Tags"))


def _read_tags(given: Any) -> dict[str, str]:
    items = given if isinstance(given, list) else [given]
    if not items or not all(isinstance(item, dict) and item.get("Key") for item in items):
        raise BadInput('Tags must be a list of maps, like {"Key": "Owner", "Value": "ops"}.')
    return {str(item["Key"]): _text(item.get("Value", "")) for item in items}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _note(ctx: StepContext) -> Tags | None:
    """The values now, or None if the role may not look."""
    try:
        return _read(ctx)
    except CallFailed:
        return None


def _read(ctx: StepContext) -> Tags:
    """The values now of the keys that the step sets."""
    kind, ids, wanted = _read_inputs(ctx)
    if kind != "EC2":
        found = ctx.read("ssm", "ListTagsForResource", ResourceType=kind, ResourceId=ids[0])
        tags = [{**tag, "ResourceId": ids[0]} for tag in found.get("TagList", [])]
    else:
        tags = [tag for first in range(0, len(ids), MOST_VALUES) for tag in _page(ctx, ids, first)]
    values: Tags = {name: {} for name in ids}
    for tag in tags:
        if tag["Key"] in wanted and tag["ResourceId"] in values:
            values[tag["ResourceId"]][tag["Key"]] = tag.get("Value", "")
    return values


def _page(ctx: StepContext, ids: list[str], first: int) -> list[dict[str, str]]:
    """The tags of some of the ids, all pages of them."""
    filters = [{"Name": "resource-id", "Values": ids[first : first + MOST_VALUES]}]
    tags: list[dict[str, str]] = []
    more: dict[str, str] = {}
    while True:
        answer = ctx.read("ec2", "DescribeTags", Filters=filters, **more)
        tags += answer.get("Tags", [])
        if not answer.get("NextToken"):
            return tags
        more = {"NextToken": answer["NextToken"]}


def _send_again(ctx: StepContext, now: Tags, wanted: Mapping[str, str]) -> Outcome:
    """The same call again, unless somebody has set a third value meanwhile."""
    before: Tags | None = ctx.state.get("Before")
    strange = {
        name: values for name, values in now.items() if _is_strange(name, values, wanted, before)
    }
    if ctx.sent is None or strange or ctx.state.get("Resent"):
        reason = (
            f"Somebody else may have changed {', '.join(strange)} meanwhile, and would be overruled"
            if strange
            else "The call was sent twice, and the tags do not show"
        )
        evidence = {"Before": before, "Now": now, "Wanted": dict(wanted)}
        return Unknown(f"No answer to CreateTags has arrived. {reason}.", evidence)
    state = {**ctx.state, "Resent": True}
    return Call(ctx.sent.service, ctx.sent.operation, ctx.sent.request, state)


def _is_strange(
    name: str, now: Mapping[str, str], wanted: Mapping[str, str], before: Tags | None
) -> bool:
    """Whether a key has neither its old nor its new value (if the old ones are known)."""
    if before is None:
        return bool(now)
    old = before.get(name, {})
    return any(now.get(key) not in (value, old.get(key)) for key, value in wanted.items())

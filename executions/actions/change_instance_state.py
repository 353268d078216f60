"""aws:changeInstanceState: start, stop or terminate instances, and wait until they are there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from executions.actions._calls import describe_refusal, refused
from executions.actions._instances import are_fit
from executions.actions.base import (
    BadInput,
    BaseAction,
    Call,
    CallFailed,
    Done,
    Outcome,
    Sent,
    StepContext,
    StepFailed,
    Unknown,
    Wait,
    action,
)
from executions.runbook.types import ActionSpec, Value

# What tells whether an instance was touched: State, LaunchTime, StateTransitionReason.
Snapshot: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Goal:
    """A desired state: the operation that leads there, and the states on the way."""

    operation: str
    towards: frozenset[str]


GOALS: Final = {
    "running": Goal("StartInstances", frozenset({"pending", "running"})),
    "stopped": Goal("StopInstances", frozenset({"stopping", "stopped"})),
    "terminated": Goal("TerminateInstances", frozenset({"shutting-down", "terminated"})),
}
ENDED: Final = GOALS["terminated"].towards  # nothing leads back from here


@action
class ChangeInstanceState(BaseAction):
    """AWS, "aws:changeInstanceState - Change or assert instance state"."""

    spec = ActionSpec(
        name="aws:changeInstanceState",
        required=frozenset({"InstanceIds", "DesiredState"}),
        optional=frozenset({"CheckStateOnly", "Force", "AdditionalInfo"}),
        types={
            "InstanceIds": "StringList",
            "DesiredState": "String",
            "CheckStateOnly": "Boolean",
            "Force": "Boolean",
            "AdditionalInfo": "String",
        },
        outputs={"InstanceStates": "StringList"},
    )

    def begin(self, ctx: StepContext) -> Outcome:
        """Note how things are, then call, also for instances that are already there."""
        ids, desired = _read_inputs(ctx)
        before = _look(ctx, ids, stage="PreVerification")
        _require_possible(ids, desired, before, stage="PreVerification")
        if ctx.flag("CheckStateOnly"):
            return _conclude(ctx, desired, before)
        request = _build_request(ctx, ids, desired)
        return Call("ec2", GOALS[desired].operation, request, {"Before": before})

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """EC2 has taken the order; a change takes seconds at least."""
        return Wait(ctx.poll(), ctx.state)

    def resume(self, ctx: StepContext) -> Outcome:
        """Look whether every instance has arrived."""
        ids, desired = _read_inputs(ctx)
        now = _look(ctx, ids, stage="PostVerification")
        if desired == "terminated":  # EC2 forgets a terminated instance after about an hour
            now = {name: now.get(name, {"State": desired}) for name in ids}
        _require_possible(ids, desired, now, stage="PostVerification")
        return _conclude(ctx, desired, now)

    def recover(self, ctx: StepContext) -> Outcome:
        """Adopt what is under way, send again what nobody touched, ask about the rest."""
        if ctx.sent is None:
            return self.begin(ctx)
        _, desired = _read_inputs(ctx)
        try:
            now = _describe(ctx, list(ctx.sent.request["InstanceIds"]))
        except CallFailed as error:
            return Unknown(
                f"No answer to {ctx.sent.operation} has arrived, and the instances "
                f"cannot be looked at: {describe_refusal('ec2', 'DescribeInstances', error)}."
            )
        return _settle(ctx, ctx.sent, desired, now)

    def adopted(self, ctx: StepContext) -> Outcome:
        """The order was taken; the instances still have to arrive."""
        return Wait(ctx.poll(), ctx.state)


def _read_inputs(ctx: StepContext) -> tuple[list[str], str]:
    ids, desired = list(dict.fromkeys(ctx.texts("InstanceIds"))), ctx.text("DesiredState")
    if not ids or not all(name.strip() for name in ids):
        raise BadInput("InstanceIds is empty or holds an empty id. Name at least one instance.")
    if desired not in GOALS:
        raise BadInput(f"DesiredState must be running, stopped or terminated, not {desired!r}.")
    return ids, desired


def _build_request(ctx: StepContext, ids: list[str], desired: str) -> dict[str, Value]:
    request: dict[str, Value] = {"InstanceIds": ids}
    if desired == "stopped" and ctx.flag("Force"):
        request["Force"] = True
    if desired == "running" and (info := ctx.text("AdditionalInfo")):
        request["AdditionalInfo"] = info
    return request


def _describe(ctx: StepContext, ids: list[str]) -> dict[str, Snapshot]:
    """Snapshots of those that exist; EC2 refuses the whole question for one unknown id."""
    try:
        response = ctx.read("ec2", "DescribeInstances", InstanceIds=ids)
    except CallFailed as error:
        gone = set(re.findall(r"i-\w+", str(error)))
        known = [name for name in ids if name not in gone]
        if error.code != "InvalidInstanceID.NotFound" or len(known) == len(ids):
            raise
        return _describe(ctx, known) if known else {}
    instances = [item for group in response["Reservations"] for item in group["Instances"]]
    return {item["InstanceId"]: _take_snapshot(item) for item in instances}


def _take_snapshot(instance: dict[str, Any]) -> Snapshot:
    return {
        "State": instance["State"]["Name"],
        "LaunchTime": str(instance.get("LaunchTime", "")),
        "StateTransitionReason": instance.get("StateTransitionReason", ""),
    }


def _look(ctx: StepContext, ids: list[str], stage: str) -> dict[str, Snapshot]:
    try:
        return _describe(ctx, ids)
    except CallFailed as error:
        raise refused("ec2", "DescribeInstances", error, stage=stage) from error


def _require_possible(ids: list[str], desired: str, now: dict[str, Snapshot], stage: str) -> None:
    missing = [name for name in ids if name not in now]
    if missing:
        raise _failure(f"There is no instance {', '.join(missing)} in this Region.", stage)
    ended = [f"{name} is {now[name]['State']}" for name in ids if now[name]["State"] in ENDED]
    if ended and desired != "terminated":
        raise _failure(f"{', '.join(ended)}: it can no longer become {desired}.", stage)


def _failure(message: str, stage: str) -> StepFailed:
    return StepFailed(message, stage=stage, kind="Verification")


def _conclude(ctx: StepContext, desired: str, now: dict[str, Snapshot]) -> Outcome:
    """Done when every instance has the state (and, running, passes both status checks)."""
    states = [snapshot["State"] for snapshot in now.values()]
    if set(states) != {desired} or (desired == "running" and not are_fit(ctx, list(now))):
        return Wait(ctx.poll(), ctx.state)
    return Done({"InstanceStates": states})


def _settle(ctx: StepContext, sent: Sent, desired: str, now: dict[str, Snapshot]) -> Outcome:
    """What to do after a lost answer, from what the instances of that call are now."""
    open_ids = [
        name for name in sent.request["InstanceIds"] if not _is_towards(desired, now.get(name))
    ]
    if not open_ids:
        return Wait(ctx.poll(), ctx.state)
    before: Mapping[str, Snapshot] = ctx.state.get("Before", {})
    moved = [name for name in open_ids if now.get(name) != before.get(name)]
    doubt = _find_doubt(ctx, sent, open_ids, moved)
    # A termination can be ordered any number of times, and takes nothing back.
    if doubt and desired != "terminated":
        evidence = {name: {"Before": before.get(name), "Now": now.get(name)} for name in open_ids}
        return Unknown(doubt, evidence)
    request = {**sent.request, "InstanceIds": open_ids}
    return Call("ec2", sent.operation, request, {**ctx.state, "Resent": True})


def _is_towards(desired: str, now: Snapshot | None) -> bool:
    if now is None:  # gone for good: only a termination leads there
        return desired == "terminated"
    return now["State"] in GOALS[desired].towards


def _find_doubt(ctx: StepContext, sent: Sent, open_ids: list[str], moved: list[str]) -> str:
    """Why the call must not be sent again for these; empty if it may."""
    if moved:
        return (
            f"No answer to {sent.operation} has arrived. {', '.join(moved)} changed "
            "since, but not to the desired state: somebody may have reversed the call."
        )
    names = ", ".join(open_ids)
    if sent.request.get("Force"):
        return (
            "No answer to a forced stop has arrived. Nothing shows that "
            f"{names} took it, and a forced stop is not sent again without being asked for."
        )
    if ctx.state.get("Resent"):
        return f"{sent.operation} was sent twice, and nothing shows that {names} took it."
    return ""

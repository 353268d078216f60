"""The inputs of an aws:approve step, checked: who is asked, and what they are told."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from approvals.facts import Terms
from executions.actions.base import BadInput, StepContext

MOST_APPROVERS: Final = 10
MESSAGE_LENGTH: Final = 4096
TOPIC: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:Automation[A-Za-z0-9_-]{0,246}")
USER: Final = "IamUser"
ROLE: Final = "IamRole"


def read_terms(ctx: StepContext) -> Terms:
    """The step's inputs, or BadInput. The forms of AWS's change templates are understood too."""
    enhanced = ctx.inputs.get("EnhancedApprovals")
    if enhanced is not None:
        return _read_enhanced(ctx, enhanced)
    approvers = _check_names([name.strip() for name in ctx.texts("Approvers")])
    required = ctx.number("MinRequiredApprovals", 1)
    if not 1 <= required <= len(approvers):
        raise BadInput(
            f"MinRequiredApprovals must be from 1 to the number of Approvers, {len(approvers)},"
            f" not {required}."
        )
    return Terms(approvers, required, _message(ctx), _topic(ctx))


def _read_enhanced(ctx: StepContext, enhanced: Any) -> Terms:
    """AWS, "Change template examples": lines of one approver each, who may be a role.

    Each line has a least number of approvals of its own, and the step may have one for all lines
    together; the greater total counts. Terms hold one number, so lines that need more than it
    says are refused rather than weakened.
    """
    lines = enhanced.get("Approvers") if isinstance(enhanced, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise BadInput("EnhancedApprovals needs Approvers, a list of maps.")
    notice = {name: enhanced[name] for name in ("NotificationArn",) if name in enhanced}
    ctx = replace(ctx, inputs={**ctx.inputs, **notice})
    approvers = _check_names([_name_of(line, ctx.account_id) for line in lines])
    least = [_least_of(replace(ctx, inputs=line)) for line in lines]
    if len(lines) > 1 and any(least) and not _all_must(lines, least):
        raise BadInput(
            "EnhancedApprovals asks for some of its approvers by their own numbers and for others"
            " not. Give each part an aws:approve step of its own."
        )
    required = max(ctx.number("MinRequiredApprovals", 1), sum(least), 1)
    if required > len(approvers) and not any(line.get("type") == ROLE for line in lines):
        raise BadInput(f"{required} approvals are needed, of {len(approvers)} approvers.")
    return Terms(approvers, required, _message(ctx), _topic(ctx))


def _all_must(lines: list[dict[str, Any]], least: list[int]) -> bool:
    """Whether every line is one person, who has to approve."""
    return set(least) == {1} and all(line.get("type", USER) == USER for line in lines)


def _name_of(line: dict[str, Any], account_id: str) -> str:
    kind, name = line.get("type", USER), line.get("approver")
    if kind not in (USER, ROLE):
        raise BadInput(
            f"EnhancedApprovals names an approver of type {kind}, and Countersign cannot tell who"
            f" that is. Name an {USER} or an {ROLE}."
        )
    if not isinstance(name, str):
        raise BadInput("Each of EnhancedApprovals' Approvers needs approver, a name.")
    name = name.strip()
    is_bare_role = kind == ROLE and name and not name.startswith("arn:")
    return f"arn:aws:iam::{account_id}:role/{name}" if is_bare_role else name


def _least_of(line: StepContext) -> int:
    least = line.number("minRequiredApprovals", 0)
    if least < 0:
        raise BadInput(f"minRequiredApprovals must not be less than 0, as {least} is.")
    return least


def _check_names(approvers: list[str]) -> tuple[str, ...]:
    if not approvers or not all(approvers):
        raise BadInput("Approvers must name at least one person or role, and no empty ones.")
    if len(approvers) > MOST_APPROVERS:
        raise BadInput(f"Approvers names {len(approvers)}; {MOST_APPROVERS} are the limit.")
    if twice := sorted({name for name in approvers if approvers.count(name) > 1}):
        raise BadInput(f"Approvers names {', '.join(twice)} more than once.")
    return tuple(approvers)


def _message(ctx: StepContext) -> str:
    message = ctx.text("Message")
    if len(message) > MESSAGE_LENGTH:
        raise BadInput(f"Message has {len(message)} characters; {MESSAGE_LENGTH} are the limit.")
    return message


def _topic(ctx: StepContext) -> str:
    topic = ctx.text("NotificationArn").strip()
    if topic and not TOPIC.fullmatch(topic):
        raise BadInput(
            "NotificationArn must be the ARN of an SNS topic whose name begins with Automation,"
            f" not {topic}."
        )
    return topic

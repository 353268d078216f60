"""The approvals of AWS's change templates, in any runbook."""

from __future__ import annotations

from typing import Any

import pytest

from approvals.terms import read_terms
from executions.actions.base import BadInput
from tests.approvals.people import ACCOUNT, make_context

TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:Automation-approvals"


def line(approver: Any, kind: str = "IamUser", least: int | str | None = None) -> dict[str, Any]:
    """One approver of a template."""
    number = {} if least is None else {"minRequiredApprovals": least}
    return {"approver": approver, "type": kind, **number}


@pytest.mark.parametrize(
    ("lines", "inputs", "approvers", "required"),
    [
        ([line("alice", least=1)], {}, ["alice"], 1),
        ([line("alice")], {}, ["alice"], 1),
        ([line("alice", least=1), line("bob", least="1")], {}, ["alice", "bob"], 2),
        (
            [line("alice", least=0), line("bob", least=0), line("dora", least=0)],
            {"MinRequiredApprovals": 2},
            ["alice", "bob", "dora"],
            2,
        ),
        ([line("Admin", "IamRole", 3)], {}, [f"arn:aws:iam::{ACCOUNT}:role/Admin"], 3),
        ([line("Admin", "IamRole", 1)], {"MinRequiredApprovals": 2}, None, 2),
        ([line(f"arn:aws:iam::{ACCOUNT}:role/A", "IamRole")], {}, None, 1),
    ],
)
def test_lines_become_terms(
    lines: list[dict[str, Any]], inputs: dict[str, Any], approvers: list[str] | None, required: int
) -> None:
    enhanced = {"NotificationArn": TOPIC, "Approvers": lines}
    terms = read_terms(make_context(EnhancedApprovals=enhanced, Message="m", **inputs))
    assert approvers is None or list(terms.approvers) == approvers
    assert (terms.required, terms.message, terms.topic_arn) == (required, "m", TOPIC)


@pytest.mark.parametrize(
    ("enhanced", "message"),
    [
        ("alice", "a list of maps"),
        ({}, "a list of maps"),
        ({"Approvers": ["alice"]}, "a list of maps"),
        ({"Approvers": []}, "at least one"),
        ({"Approvers": [line(" ")]}, "no empty ones"),
        ({"Approvers": [line(None)]}, "needs approver, a name"),
        (
            {"Approvers": [line("Ops", "IamGroup", 1)]},
            "of type IamGroup, and Countersign cannot tell",
        ),
        ({"Approvers": [line("alice", least=-1)]}, "not be less than 0"),
        ({"Approvers": [line("alice", least="some")]}, "must be an Integer"),
        ({"Approvers": [line("alice", least=2)]}, "2 approvals are needed, of 1"),
        ({"Approvers": [line("alice", least=1), line("bob", least=0)]}, "step of its own"),
        (
            {"Approvers": [line("A", "IamRole", 1), line("bob", least=1)]},
            "Give each part an aws:approve step of its own",
        ),
    ],
)
def test_lines_that_cannot_be(enhanced: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        read_terms(make_context(EnhancedApprovals=enhanced))
    assert not refused.value.retryable

"""Which principals an entry of Approvers names."""

from __future__ import annotations

import pytest

from approvals.policy import is_listed, matches

HERE = "111122223333"
THERE = "444455556666"
ALICE = f"arn:aws:iam::{HERE}:user/alice"
ALICE_AT_WORK = f"arn:aws:iam::{HERE}:user/teams/ops/alice"
CAROL = f"arn:aws:sts::{HERE}:assumed-role/ReleaseManagers/carol"


@pytest.mark.parametrize(
    ("principal", "entry"),
    [
        (ALICE, "alice"),
        (ALICE_AT_WORK, "alice"),
        (ALICE, ALICE),
        (ALICE_AT_WORK, ALICE_AT_WORK),
        (CAROL, CAROL),
        (CAROL, f"arn:aws:iam::{HERE}:role/ReleaseManagers"),
        (CAROL, f"arn:aws:iam::{HERE}:role/aws-reserved/eu/ReleaseManagers"),
        (
            f"arn:aws:sts::{THERE}:assumed-role/ReleaseManagers/dan",
            f"arn:aws:iam::{THERE}:role/ReleaseManagers",
        ),
        (f"arn:aws:iam::{THERE}:user/alice", f"arn:aws:iam::{THERE}:user/alice"),
        (f"arn:aws:iam::{HERE}:root", f"arn:aws:iam::{HERE}:root"),
        (
            "arn:aws-cn:sts::111122223333:assumed-role/Ops/eve",
            "arn:aws-cn:iam::111122223333:role/Ops",
        ),
        (f"arn:aws:iam::{HERE}:user/a+b=c,d.e@f-g_h", "a+b=c,d.e@f-g_h"),
    ],
)
def test_named(principal: str, entry: str) -> None:
    assert matches(principal, entry, HERE)


@pytest.mark.parametrize(
    ("principal", "entry"),
    [
        (ALICE, "Alice"),
        (ALICE, "alic"),
        (ALICE, "ops/alice"),
        (ALICE, "user/alice"),
        (ALICE, "*"),
        (ALICE, ""),
        (ALICE, f"arn:aws:iam::{HERE}:user/*"),
        (ALICE, ALICE_AT_WORK),
        (ALICE_AT_WORK, ALICE),
        (ALICE, f"arn:aws:iam::{THERE}:user/alice"),
        (ALICE, f"arn:aws:iam::{HERE}:group/alice"),
        (ALICE, f"arn:aws:iam::{HERE}:role/alice"),
        (f"arn:aws:iam::{THERE}:user/alice", "alice"),
        (f"arn:aws:sts::{HERE}:assumed-role/alice/alice", "alice"),
        (f"arn:aws:sts::{HERE}:assumed-role/Ops/alice", ALICE),
        (CAROL, "carol"),
        (CAROL, "ReleaseManagers"),
        (CAROL, "role/ReleaseManagers"),
        (CAROL, f"arn:aws:sts::{HERE}:assumed-role/ReleaseManagers/dan"),
        (CAROL, f"arn:aws:sts::{HERE}:assumed-role/ReleaseManagers"),
        (CAROL, f"arn:aws:iam::{THERE}:role/ReleaseManagers"),
        (CAROL, f"arn:aws:iam::{HERE}:role/ReleaseManager"),
        (CAROL, f"arn:aws:iam::{HERE}:role/ReleaseManagers/carol"),
        (f"arn:aws:iam::{HERE}:root", HERE),
        (f"arn:aws:iam::{HERE}:role/Ops", "Ops"),
        ("alice", "alice"),
    ],
)
def test_not_named(principal: str, entry: str) -> None:
    assert not matches(principal, entry, HERE)


def test_one_of_many_is_enough() -> None:
    assert is_listed(CAROL, ["alice", f"arn:aws:iam::{HERE}:role/ReleaseManagers"], HERE)
    assert not is_listed(CAROL, ["alice", "bob"], HERE)
    assert not is_listed(CAROL, [], HERE)

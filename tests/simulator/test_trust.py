"""Trust policies, pure."""

from __future__ import annotations

from typing import Any

import pytest

from console.simulator.trust import Caller, is_trusted

USER = Caller("111122223333", "arn:aws:iam::111122223333:user/olivia")
SESSION = Caller(
    "111122223333",
    "arn:aws:sts::111122223333:assumed-role/Deployers/ci",
    "arn:aws:iam::111122223333:role/Deployers",
)
NOTHING = {"ExternalId": None, "RoleSessionName": "run", "SourceIdentity": None}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    basic = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    return {"Statement": [{**basic, **statement} for statement in statements]}


def admits(document: dict[str, Any], caller: Caller = USER, **request: str) -> bool:
    return is_trusted(document, caller, "sts:AssumeRole", {**NOTHING, **request})


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "111122223333"},
        {"AWS": "arn:aws:iam::111122223333:root"},
        {"AWS": ["arn:aws:iam::999999999999:root", USER.arn]},
    ],
)
def test_principals_that_name_the_caller(principal: Any) -> None:
    assert admits(policy({"Principal": principal}))


@pytest.mark.parametrize(
    "principal",
    [
        {"Service": "ssm.amazonaws.com"},
        {"AWS": "arn:aws:iam::444455556666:root"},
        {"AWS": "arn:aws:iam::111122223333:user/alice"},
        {},
    ],
)
def test_principals_that_do_not(principal: Any) -> None:
    assert not admits(policy({"Principal": principal}))


def test_a_session_is_named_by_its_role_or_itself() -> None:
    assert admits(policy({"Principal": {"AWS": SESSION.role_arn}}), SESSION)
    assert admits(policy({"Principal": {"AWS": SESSION.arn}}), SESSION)
    assert not admits(policy({"Principal": {"AWS": SESSION.role_arn}}), USER)


def test_deny_wins() -> None:
    assert not admits(policy({}, {"Effect": "Deny"}))


def test_actions_may_be_wildcards_in_any_case() -> None:
    assert admits(policy({"Action": ["STS:Assume*"]}))
    assert not admits(policy({"Action": "sts:TagSession"}))


def test_an_empty_policy_admits_nobody() -> None:
    assert not admits({})


def test_external_id_must_equal() -> None:
    guarded = policy({"Condition": {"StringEquals": {"sts:ExternalId": ["a", "b"]}}})
    assert admits(guarded, ExternalId="b")
    assert not admits(guarded, ExternalId="c")
    assert not admits(guarded)


def test_source_identity_may_be_like() -> None:
    guarded = policy({"Condition": {"StringLike": {"sts:SourceIdentity": "oli*"}}})
    assert admits(guarded, SourceIdentity="olivia")
    assert not admits(guarded, SourceIdentity="alice")


def test_an_unknown_condition_admits_nobody_and_still_denies() -> None:
    unknown = {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    assert not admits(policy(unknown))
    assert not admits(policy({}, {"Effect": "Deny", **unknown}))

"""Trust policies: whom a role admits ("How to use trust policies with IAM roles"). Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Condition keys a trust policy may use here, and the AssumeRole parameter behind each.
CONTEXT_KEYS = {
    "sts:externalid": "ExternalId",
    "sts:rolesessionname": "RoleSessionName",
    "sts:sourceidentity": "SourceIdentity",
}


@dataclass(frozen=True)
class Caller:
    """A principal: its account, its own ARN, and for a session the role's ARN."""

    account: str
    arn: str
    role_arn: str = ""


def is_trusted(
    policy: Mapping[str, Any], caller: Caller, action: str, request: Mapping[str, Any]
) -> bool:
    """Whether a role's trust policy lets `caller` perform `action` on it.

    request: ExternalId, RoleSessionName and SourceIdentity as sent, or None. A
    condition this simulator does not know admits nobody.
    """
    effects = {
        statement.get("Effect")
        for statement in _as_list(policy.get("Statement"))
        if _names_action(statement, action)
        and _names_principal(statement, caller)
        and _meets_conditions(statement, request)
    }
    return effects == {"Allow"}


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    patterns = _as_list(statement.get("Action"))
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def _names_principal(statement: Mapping[str, Any], caller: Caller) -> bool:
    principal = statement.get("Principal", {})
    named = _as_list(principal.get("AWS")) if isinstance(principal, dict) else _as_list(principal)
    root = f"arn:aws:iam::{caller.account}:root"
    return not {"*", caller.account, root, caller.arn, caller.role_arn or root}.isdisjoint(named)


def _meets_conditions(statement: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    deny = statement.get("Effect") == "Deny"
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            parameter = CONTEXT_KEYS.get(key.lower())
            if operator not in ("StringEquals", "StringLike") or parameter is None:
                if not deny:
                    return False
                continue
            given = request[parameter]
            if given is None or not any(
                fnmatch.fnmatchcase(given, value) if operator == "StringLike" else given == value
                for value in _as_list(wanted)
            ):
                return False
    return True


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

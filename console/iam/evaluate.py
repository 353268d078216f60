"""IAM policies, evaluated: an explicit Deny wins, then an Allow, and all else is refused.

PURE. AWS, "Policy evaluation logic" and "IAM JSON policy elements". Elements that this module
does not know (Condition, Principal and the like) make the whole policy invalid, and an invalid
policy grants nothing and denies everything: fail closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

KNOWN = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"})


class Decision(StrEnum):
    """What the policies say of one request."""

    ALLOW = "Allow"
    EXPLICIT_DENY = "ExplicitDeny"
    IMPLICIT_DENY = "ImplicitDeny"


class InvalidPolicy(ValueError):
    """The document is not a policy that can be evaluated; the text says why."""


def evaluate(policies: Iterable[Mapping[str, Any]], action: str, resource: str) -> Decision:
    """Decide one request, such as ``ssm:StartAutomationExecution`` on a document's ARN."""
    decision = Decision.IMPLICIT_DENY
    for policy in policies:
        try:
            statements = check(policy)
        except InvalidPolicy:
            return Decision.EXPLICIT_DENY
        for statement in statements:
            if not _applies(statement, action, resource):
                continue
            if statement["Effect"] == "Deny":
                return Decision.EXPLICIT_DENY
            decision = Decision.ALLOW
    return decision


def check(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The policy's statements, or InvalidPolicy with what is wrong."""
    if policy.get("Version") != "2012-10-17":
        raise InvalidPolicy('A policy is an object with "Version": "2012-10-17".')
    statements = policy.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    for statement in statements:
        if not isinstance(statement, Mapping):
            raise InvalidPolicy("A statement is an object.")
        if unknown := sorted(set(statement) - KNOWN):
            raise InvalidPolicy(f"{', '.join(unknown)}: not supported here.")
        if statement.get("Effect") not in {"Allow", "Deny"}:
            raise InvalidPolicy("Effect is Allow or Deny.")
        for yes, no in (("Action", "NotAction"), ("Resource", "NotResource")):
            if (yes in statement) == (no in statement):
                raise InvalidPolicy(f"A statement has {yes} or {no}, and not both.")
    return statements


def _applies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    named = _any(statement, "Action", action, ignore_case=True)
    there = _any(statement, "Resource", resource, ignore_case=False)
    return named and there


def _any(statement: Mapping[str, Any], key: str, value: str, *, ignore_case: bool) -> bool:
    negated = f"Not{key}" in statement
    patterns = statement[f"Not{key}" if negated else key]
    patterns = [patterns] if isinstance(patterns, str) else patterns
    hit = any(matches(pattern, value, ignore_case=ignore_case) for pattern in patterns)
    return hit != negated


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Whether a value fits a pattern with ``*`` (any text) and ``?`` (one character)."""
    return _compiled(pattern, ignore_case).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    text = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))

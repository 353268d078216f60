"""Who an entry of Approvers names. PURE.

An entry and a principal meet when they share a key, so that the same rule serves a check of one
principal and an indexed query for all its requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_NAME = r"[\w+=,.@-]+"
_USER: Final = re.compile(rf"arn:aws[a-z-]*:iam::(\d{{12}}):user/(?:\S+/)?({_NAME})", re.ASCII)
_ROLE: Final = re.compile(rf"arn:aws[a-z-]*:iam::(\d{{12}}):role/(?:\S+/)?({_NAME})", re.ASCII)
_SESSION: Final = re.compile(
    rf"arn:aws[a-z-]*:sts::(\d{{12}}):assumed-role/({_NAME})/{_NAME}", re.ASCII
)


def key_of_entry(entry: str, account_id: str) -> str:
    """The key of an entry, in an execution of that account.

    AWS, "aws:approve": a user name, a user ARN, a role ARN or an assumed-role ARN. A session's
    ARN does not tell the role's path, so a role goes by its account and name, which are unique.
    """
    if not entry.startswith("arn:"):
        return f"{account_id}:user/{entry}"
    role = _ROLE.fullmatch(entry)
    return f"{role[1]}:role/{role[2]}" if role else entry


def keys_of_principal(arn: str) -> frozenset[str]:
    """The keys under which a user or a role session may have been named."""
    if user := _USER.fullmatch(arn):
        return frozenset({arn, f"{user[1]}:user/{user[2]}"})
    if session := _SESSION.fullmatch(arn):
        return frozenset({arn, f"{session[1]}:role/{session[2]}"})
    return frozenset({arn})


def matches(principal_arn: str, entry: str, account_id: str) -> bool:
    """Whether the entry names this principal."""
    return key_of_entry(entry, account_id) in keys_of_principal(principal_arn)


def is_listed(principal_arn: str, entries: Iterable[str], account_id: str) -> bool:
    """Whether any of the entries names this principal."""
    return any(matches(principal_arn, entry, account_id) for entry in entries)

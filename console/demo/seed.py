"""The demo's people and accounts. Passwords are random for each state folder."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.hashers import make_password

from console.demo.state import write_private
from console.iam import keys, presets
from console.iam.models import Policy, Principal, User
from executions.library.predefined import install_all
from executions.models import Account

PRODUCTION: Final = "111122223333"
STAGING: Final = "444455556666"
REGIONS: Final = ["eu-west-1", "us-east-1"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo; the first ARN is who they are, others are roles they may act as."""

    username: str
    policy: str
    arns: tuple[str, ...]


def _user(name: str) -> str:
    return f"arn:aws:iam::{PRODUCTION}:user/{name}"


def _session(account: str, role: str, name: str) -> str:
    return f"arn:aws:sts::{account}:assumed-role/{role}/{name}"


PEOPLE: Final = (
    Person(
        "olivia", "CountersignOperator", (_user("olivia"), _session(STAGING, "Operators", "olivia"))
    ),
    Person("alice", "CountersignApprover", (_user("alice"),)),
    Person("bob", "CountersignApprover", (_user("bob"),)),
    Person("carol", "CountersignApprover", (_session(PRODUCTION, "ReleaseManagers", "carol"),)),
    Person("victor", "CountersignViewer", (_user("victor"),)),
    Person("ada", "CountersignAdministrator", (_user("ada"),)),
)


def seed(state: Path) -> None:
    """Put accounts, documents, policies and people in place; again and again to the same end."""
    for account_id, name in ((PRODUCTION, "Production"), (STAGING, "Staging")):
        role = f"arn:aws:iam::{account_id}:role/CountersignExecution"
        Account.objects.update_or_create(
            account_id=account_id,
            defaults={"name": name, "regions": REGIONS, "role_arn": role},
        )
    install_all()
    policies = presets.install()
    known = _known(state / "users.json")
    passwords = _new_passwords(known)
    facts = [_person(person, policies[person.policy], known, passwords) for person in PEOPLE]
    write_private(state / "users.json", json.dumps(facts, indent=2) + "\n")


def _new_passwords(known: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """For each person who has none: a password and its hash, made side by side since that takes."""
    users = set(User.objects.values_list("username", flat=True))
    names = [person.username for person in PEOPLE]
    names = [name for name in names if name not in known or name not in users]
    texts = [secrets.token_urlsafe(12) for _ in names]
    with ThreadPoolExecutor() as threads:
        pairs = zip(texts, threads.map(make_password, texts), strict=True)
        return dict(zip(names, pairs, strict=True))


def _person(
    person: Person,
    policy: Policy,
    known: Mapping[str, Any],
    passwords: Mapping[str, tuple[str, str]],
) -> dict[str, Any]:
    """Put a person in place; their secrets stay those that were handed out before."""
    user, _ = User.objects.get_or_create(username=person.username)
    facts = known.get(person.username, {})
    if new := passwords.get(person.username):
        facts = {"username": person.username, "password": new[0]}
        user.password = new[1]
        user.save(update_fields=["password"])
    for arn in person.arns:
        principal, _ = Principal.objects.get_or_create(arn=arn, defaults={"user": user})
        principal.policies.set([policy])
    if not facts.get("access_key_id"):
        key, secret = keys.create(Principal.objects.get(arn=person.arns[0]), "made by ./run")
        facts |= {"access_key_id": key.key_id, "secret_access_key": secret}
    order = ("username", "password", "arn", "access_key_id", "secret_access_key")
    facts = {**facts, "arn": person.arns[0]}
    return {name: facts[name] for name in order}


def _known(path: Path) -> dict[str, dict[str, Any]]:
    """What was handed out before, by name."""
    if not path.exists():
        return {}
    users = json.loads(path.read_text(encoding="utf-8"))
    return {user["username"]: user for user in users}

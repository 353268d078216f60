"""The demo's people and accounts. Passwords are random for each state folder."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.hashers import make_password

from console.demo.state import write_private
from console.iam import presets
from console.iam.models import Principal, User
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
    facts = []
    for person in PEOPLE:
        password = known.get(person.username) or secrets.token_urlsafe(12)
        user, is_new = User.objects.get_or_create(username=person.username)
        if is_new or person.username not in known:
            user.password = make_password(password)
            user.save(update_fields=["password"])
        for arn in person.arns:
            principal, _ = Principal.objects.get_or_create(arn=arn, defaults={"user": user})
            principal.policies.set([policies[person.policy]])
        facts.append(_facts(person, password))
    write_private(state / "users.json", json.dumps(facts, indent=2) + "\n")


def _facts(person: Person, password: str) -> dict[str, Any]:
    return {
        "username": person.username,
        "password": password,
        "arn": person.arns[0],
        "access_key_id": None,
        "secret_access_key": None,
    }


def _known(path: Path) -> dict[str, str]:
    """The passwords that were handed out before, by name."""
    if not path.exists():
        return {}
    users = json.loads(path.read_text(encoding="utf-8"))
    return {user["username"]: user["password"] for user in users}

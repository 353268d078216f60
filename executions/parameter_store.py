"""Defaults that are kept in Parameter Store: read once, when a run is to start, then as supplied.

AWS, "Data elements and parameters": `default` may be `{{ssm:name}}`, of a String or a StringList.
To be asked outside of any transaction, since AWS takes its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from executions import aws, library, lifecycle
from executions.errors import Refused
from executions.models import Account, Execution
from executions.runbook import values
from executions.runbook.types import Runbook, Value

if TYPE_CHECKING:
    from console.iam.models import User


class Unusable(Exception):
    """The text says why a stored value cannot be a default."""


def complete(request: lifecycle.Start, *, by: User) -> lifecycle.Start:
    """The request with the values that the role of its run can read now.

    The request itself if its document asks for none. What is wrong becomes part of it, so that
    the verb that gets it refuses, and journals that. Whoever may not start makes us read nothing.
    """
    runbook = library.runbook(request.version)
    if not any(map(values.stored_name, runbook.parameters.values())):
        return request
    bound = values.bind(runbook, request.parameters)
    if bound.problems or not bound.lookups:
        return replace(request, bound=replace(bound, lookups={}))
    try:
        run = lifecycle.preview(replace(request, bound=_undecided(bound)), by=by)
    except Refused as refusal:
        return replace(request, bound=refusal)
    return replace(request, bound=_look_up(runbook, bound, run))


def _undecided(bound: values.Bound) -> values.Bound:
    """With the references in the place of the values: a role that depends on them is none."""
    return bound.with_looked_up(
        {name: f"{{{{ssm:{where}}}}}" for name, where in bound.lookups.items()}
    )


def _look_up(runbook: Runbook, bound: values.Bound, run: Execution) -> values.Bound:
    account = Account.objects.get(pk=run.account_id)
    identity = aws.Identity(run.account_id, run.role_arn, aws.CONSOLE, account.external_id)
    found: dict[str, Value] = {}
    problems: dict[str, tuple[str, ...]] = {}
    for name, where in bound.lookups.items():
        try:
            items = _read(identity, run.region, where)
            found[name] = values.from_wire(runbook.parameters[name], items)
        except (Unusable, values.BadValue) as problem:
            problems[name] = (f"Its default is kept in Parameter Store as {where}. {problem}",)
    return replace(bound.with_looked_up(found), lookups={}, problems=problems)


def _read(identity: aws.Identity, region: str, where: str) -> list[str]:
    """A stored value as a start would give it: a StringList is a list."""
    target = aws.operation("ssm", "GetParameter")
    try:
        answer = aws.call(identity, region, target, {"Name": where})
    except aws.AwsError as error:
        raise Unusable(
            f"{identity.role_arn} cannot read it in {region}: {error} ({error.code})"
        ) from error
    stored: Mapping[str, Any] = answer["Parameter"]
    if stored["Type"] == "SecureString":
        raise Unusable("It is a SecureString, which no default can be. Give a value.")
    text = str(stored["Value"])
    return text.split(",") if stored["Type"] == "StringList" else [text]

"""What an approval is bound to: everything that will run, as one JSON value and its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from executions import children, earlier, library, targets
from executions.actions.base import StepContext
from executions.library import repeats
from executions.models import Execution, RepeatableStep
from executions.runbook import template
from executions.runbook.types import Step, Value

Facts: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """Who is asked, how many of them have to agree, and what they are told."""

    approvers: tuple[str, ...]
    required: int
    message: str = ""
    topic_arn: str = ""


def gather(ctx: StepContext, execution: Execution, terms: Terms) -> Facts:
    """The facts as they are now; `targets` holds ids, not states.

    The document's text is hashed anew, and the inputs of all later steps are written as far as
    they are known, so a change of either shows wherever it came from.
    """
    version = execution.version
    steps = _later_steps(ctx, execution)
    parameters = {**ctx.scope.defaults, **ctx.scope.parameters}
    facts = {
        "execution": str(execution.id),
        "step": ctx.step.name,
        "attempt": ctx.attempt,
        "document": {
            "owner": version.document.owner,
            "name": version.document.name,
            "version": version.number,
            "sha256": hashlib.sha256(version.content.encode()).hexdigest(),
        },
        "account": execution.account_id,
        "region": execution.region,
        "role": execution.role_arn,
        "starter": {"arn": execution.executed_by, "person": execution.started_by.get_username()},
        "parameters": parameters,
        "steps": steps,
        "targets": list(dict.fromkeys(_instance_ids([parameters, steps]))),
        "approvers": list(terms.approvers),
        "required": terms.required,
        "message": terms.message,
    }
    if execution.redrive_of_id:
        kept = earlier.plan(execution.redrive_of_id).facts
        facts["again"] = {"execution": str(execution.redrive_of_id), **kept}
    # As the database will give it back: text keys, and no times or numbers of YAML's own.
    plain: Facts = json.loads(json.dumps(facts, default=str))
    return plain


def digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 of the facts in their canonical form."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def changes(asked: Facts, now: Facts) -> list[str]:
    """The names of the facts that are not what they were; states of targets may be."""
    was = {**asked, "targets": [target["id"] for target in asked["targets"]]}
    return sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))


def texts_to_start(facts: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of each document that a later step starts, by the step's name."""
    return {step["name"]: step["starts"]["sha256"] for step in facts["steps"] if step.get("starts")}


def _later_steps(ctx: StepContext, execution: Execution) -> list[Value]:
    steps = list(library.runbook(execution.version).walk())
    vouched = repeats.declared(execution)
    here = next(place for place, step in enumerate(steps) if step.name == ctx.step.name)
    scope = replace(
        ctx.scope,
        # What this step puts out is known only afterwards.
        outputs={name: of for name, of in ctx.scope.outputs.items() if name != ctx.step.name},
        system={
            name: value
            for name, value in ctx.scope.system.items()
            if name not in template.DATES  # nobody can approve one
        },
    )
    loop = steps[here].loop
    # In the passes to come the loop is asked again, and the steps before this one run again.
    again = [step for step in steps[:here] if loop and loop in (step.name, step.loop)]
    unknown = {name: of for name, of in scope.outputs.items() if name != loop}
    to_come = [(step, scope) for step in steps[here + 1 :]]
    to_come += [(step, replace(scope, outputs=unknown)) for step in again]
    return [
        {**_describe(step, known, execution), **_vouched(vouched.get(step.name))}
        for step, known in to_come
    ]


def _describe(step: Step, scope: template.Scope, execution: Execution) -> Facts:
    """A step with its inputs as far as they are known, and the runbook that it will start."""
    inputs = {
        name: value if name in template.CODE_INPUTS else _as_known(value, scope)
        for name, value in step.inputs.items()
    }
    described: Facts = {"name": step.name, "action": step.action, "inputs": inputs}
    is_start = step.action == "aws:executeAutomation"
    if is_start and (started := children.find_version(execution, inputs)):
        described["starts"] = {
            "document": started.document.name,
            "owner": started.document.owner,
            "version": started.number,
            "sha256": hashlib.sha256(started.content.encode()).hexdigest(),
        }
    return described


def _vouched(declared: RepeatableStep | None) -> Facts:
    """Who says that the step may be sent again after a lost answer, and why."""
    if declared is None:
        return {}
    return {"repeatable": {"by": declared.declared_by_arn, "reason": declared.reason}}


def _as_known(value: Value, scope: template.Scope) -> Value:
    """The value with the references that can be resolved now; the others stay as written."""
    if isinstance(value, Mapping):
        return {key: _as_known(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return list(_items(value, scope))
    try:
        return template.resolve(value, scope)
    except template.MissingValue:
        return value


def _items(values: list[Value], scope: template.Scope) -> Iterator[Value]:
    for value in values:
        known = _as_known(value, scope)
        if isinstance(value, str) and isinstance(known, list):
            yield from known
        else:
            yield known


def _instance_ids(value: Value) -> Iterator[str]:
    if isinstance(value, str) and targets.INSTANCE_ID.fullmatch(value):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _instance_ids(item)
    elif isinstance(value, list):
        for item in value:
            yield from _instance_ids(item)

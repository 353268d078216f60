"""CloudFormation as moto answers it, with time, rollback and its refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.s3.models import s3_backends

from console.simulator import change_sets, stack_seeds, templates
from console.simulator.calls import record_effect
from console.simulator.extensions import Tools
from console.simulator.stack_resources import Made
from console.simulator.stacks import SimulatedStack

BUCKET_HOST: Final = re.compile(r"(?P<bucket>.+?)\.s3[.-].*amazonaws\.com|(?P<path>s3[.-].*)")
LOOPBACK: Final = ("127.0.0.1", "localhost")  # the simulated account's own endpoint
STACK_NAME: Final = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
UPDATABLE: Final = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}
)


def install(tools: Tools) -> None:
    """Put stacks that take their time in the place of moto's, once per process."""
    SimulatedStack.agenda = tools.agenda
    change_sets.install()
    for operation in (
        create_stack,
        update_stack,
        delete_stack,
        describe_stack_resource,
        describe_stack_resources,
        list_stack_resources,
        validate_template,
        get_template_summary,
    ):
        setattr(CloudFormationResponse, operation.__name__, operation)
    setattr(CloudFormationResponse, "_get_stack_from_s3_url", _fetch_template)  # noqa: B010 - it is moto's
    if tools.seeded:
        stack_seeds.seed()


def create_stack(response: CloudFormationResponse) -> ActionResult:
    """CreateStack. OnFailure and DisableRollback say what follows from a failure."""
    name = str(response.params.get("StackName"))
    body = _read_body(response)
    parameters = _read_parameters(response, {})
    _require_name(name)
    template = templates.parse(body)
    templates.require_sound(template, response.params.get("Capabilities", []))
    templates.require_parameters(template, parameters)
    backend = response.cloudformation_backend
    if any(stack.name == name for stack in backend.stacks.values()):
        raise templates.refuse(f"Stack [{name}] already exists", "AlreadyExistsException")
    stack = backend.create_stack(
        name=name,
        template=body,
        parameters=parameters,
        notification_arns=response.params.get("NotificationARNs", []),
        tags=_read_tags(response) or {},
        role_arn=response.params.get("RoleARN"),
        enable_termination_protection=bool(response.params.get("EnableTerminationProtection")),
        timeout_in_mins=response.params.get("TimeoutInMinutes"),
        stack_policy_body=response.params.get("StackPolicyBody"),
    )
    made = cast(SimulatedStack, stack)
    made.on_failure = response.params.get("OnFailure") or "ROLLBACK"
    made.disable_rollback = bool(response.params.get("DisableRollback"))
    if made.disable_rollback:
        made.on_failure = "DO_NOTHING"
    record_effect([made.stack_id])
    return ActionResult({"StackId": made.stack_id})


def update_stack(response: CloudFormationResponse) -> ActionResult:
    """UpdateStack, refused in a status that allows none, and where nothing would change."""
    stack = _find(response)
    if stack.status not in UPDATABLE:
        raise templates.refuse(
            f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
        )
    previous = bool(response.params.get("UsePreviousTemplate"))
    body = str(stack.template) if previous else _read_body(response)
    known = templates.defaults(stack.template_dict) | stack.parameters
    parameters = _read_parameters(response, known)
    template = templates.parse(body)
    templates.require_sound(template, response.params.get("Capabilities", []))
    templates.require_parameters(template, parameters)
    tags = _read_tags(response)
    same_tags = tags is None or tags == stack.tags
    same_values = templates.defaults(template) | parameters == known
    if template == stack.template_dict and same_values and same_tags:
        raise templates.refuse("No updates are to be performed.")
    stack.update(body, response.params.get("RoleARN"), parameters, tags)
    record_effect([stack.stack_id])
    return ActionResult({"StackId": stack.stack_id})


def delete_stack(response: CloudFormationResponse) -> ActionResult:
    """DeleteStack; that of a stack which is not there is a success."""
    name = response.params.get("StackName")
    stacks = response.cloudformation_backend.stacks.values()
    stack = next((each for each in stacks if name in (each.name, each.stack_id)), None)
    if stack is None:
        return EmptyResult()
    stack = cast(SimulatedStack, stack)
    if stack.enable_termination_protection:
        raise templates.refuse(
            f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    retained = response.params.get("RetainResources", [])
    if retained and stack.status != "DELETE_FAILED":
        raise templates.refuse(
            f"Invalid operation on stack [{stack.stack_id}]. RetainResources are only valid for "
            "stacks in DELETE_FAILED state."
        )
    if stack.status != "DELETE_IN_PROGRESS":
        if stack.is_moving and stack.status != "REVIEW_IN_PROGRESS":
            raise templates.refuse(
                f"Stack [{stack.stack_id}] cannot be deleted while in status {stack.status}"
            )
        stack.retained = frozenset(retained)
        stack.delete()
        record_effect([stack.stack_id])
    return EmptyResult()


def describe_stack_resource(response: CloudFormationResponse) -> ActionResult:
    """DescribeStackResource."""
    stack, logical_id = _find(response), response.params.get("LogicalResourceId")
    made = stack.made.get(logical_id)
    if made is None:
        name = response.params.get("StackName")
        raise templates.refuse(f"Resource {logical_id} does not exist for stack {name}")
    detail = {**_describe(stack, made), "LastUpdatedTimestamp": made.at}
    return ActionResult({"StackResourceDetail": detail})


def describe_stack_resources(response: CloudFormationResponse) -> ActionResult:
    """DescribeStackResources of a stack; of a physical id alone it is not served."""
    stack, logical_id = _find(response), response.params.get("LogicalResourceId")
    found = [
        {**_describe(stack, made), "Timestamp": made.at}
        for made in stack.made.values()
        if logical_id in (None, made.logical_id)
    ]
    return ActionResult({"StackResources": found})


def list_stack_resources(response: CloudFormationResponse) -> ActionResult:
    """ListStackResources, in one page."""
    stack = _find(response)
    found = [
        {**_describe(stack, made), "LastUpdatedTimestamp": made.at} for made in stack.made.values()
    ]
    return ActionResult({"StackResourceSummaries": found})


def validate_template(response: CloudFormationResponse) -> ActionResult:
    """ValidateTemplate: its form, its parameters and what it would need."""
    body = _read_body(response)
    template = templates.parse(body)
    templates.require_sound(template, [needed := templates.capability(template)])
    summary = _summarise(body)
    keys = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
    return ActionResult(
        {
            "Description": template.get("Description", ""),
            "Parameters": [{key: item[key] for key in keys} for item in summary["Parameters"]],
            "Capabilities": [needed] if needed else [],
        }
    )


def get_template_summary(response: CloudFormationResponse) -> ActionResult:
    """GetTemplateSummary of a stack or of a template."""
    named = response.params.get("StackName")
    body = str(_find(response).template) if named else _read_body(response)
    return ActionResult(_summarise(body))


def _describe(stack: SimulatedStack, made: Made) -> dict[str, Any]:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "LogicalResourceId": made.logical_id,
        "PhysicalResourceId": made.physical_id or None,
        "ResourceType": made.type,
        "ResourceStatus": made.status,
        "ResourceStatusReason": made.reason,
    }


def _find(response: CloudFormationResponse) -> SimulatedStack:
    return cast(
        SimulatedStack,
        response.cloudformation_backend.get_stack(response.params.get("StackName")),
    )


def _summarise(body: str) -> dict[str, Any]:
    template = templates.parse(body)
    needed = templates.capability(template)
    return {
        "Description": template.get("Description", ""),
        "Parameters": [
            {
                "ParameterKey": key,
                "DefaultValue": facts.get("Default"),
                "ParameterType": facts.get("Type", "String"),
                "NoEcho": str(facts.get("NoEcho", "")).lower() == "true",
                "Description": facts.get("Description", ""),
                "ParameterConstraints": {"AllowedValues": facts.get("AllowedValues", [])},
            }
            for key, facts in template.get("Parameters", {}).items()
        ],
        "Capabilities": [needed] if needed else [],
        "ResourceTypes": sorted({item["Type"] for item in template["Resources"].values()}),
        "Version": str(template.get("AWSTemplateFormatVersion", "2010-09-09")),
    }


def _read_body(response: CloudFormationResponse) -> str:
    body, url = response.params.get("TemplateBody"), response.params.get("TemplateURL")
    if bool(body) == bool(url):
        raise templates.refuse("Either Template URL or Template Body must be specified.")
    if url:
        return _fetch_template(response, str(url))
    if len(str(body).encode()) > templates.LONGEST_BODY:
        raise templates.refuse(
            f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {templates.LONGEST_BODY}"
        )
    return str(body)


def _fetch_template(response: CloudFormationResponse, template_url: str) -> str:
    """The template at an S3 address of the caller's account, whichever way it is written."""
    parts = urlsplit(template_url)
    host = BUCKET_HOST.fullmatch(parts.hostname or "")
    path = unquote(parts.path).lstrip("/")
    named = f"{host['bucket']}/{path}" if host and host["bucket"] else path
    bucket, _, key = named.partition("/")
    found = s3_backends[response.current_account]["aws"].buckets.get(bucket)
    if not key or not (host or parts.hostname in LOOPBACK):
        raise templates.refuse("TemplateURL must be a supported URL.")
    value = found.keys.get(key) if found else None
    if value is None:
        raise templates.refuse("S3 error: The specified key does not exist.")
    data = bytes(value.value)
    if len(data) > templates.LONGEST_FILE:
        raise templates.refuse(f"Template may not exceed {templates.LONGEST_FILE} bytes in size.")
    return data.decode("utf-8", errors="replace")


def _read_parameters(
    response: CloudFormationResponse, previous: Mapping[str, str]
) -> dict[str, str]:
    found = {}
    for item in response.params.get("Parameters", []):
        key = item["ParameterKey"]
        if item.get("UsePreviousValue"):
            if key not in previous:
                raise templates.refuse(f"Parameters: [{key}] must have values")
            found[key] = previous[key]
        else:
            found[key] = str(item.get("ParameterValue", ""))
    return found


def _read_tags(response: CloudFormationResponse) -> dict[str, str] | None:
    tags = response.params.get("Tags")
    return {item["Key"]: item["Value"] for item in tags} if tags else None


def _require_name(name: str) -> None:
    if not STACK_NAME.fullmatch(name):
        raise templates.refuse(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )

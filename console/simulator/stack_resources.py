"""The resources of a stack: made, changed and removed through moto's models of them."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from moto.awslambda.models import LambdaFunction
from moto.cloudformation import parsing
from moto.cloudformation.models import Stack
from moto.core.exceptions import ServiceException
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ec2.models.core import TaggedEC2Resource
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from werkzeug.exceptions import HTTPException

from console.simulator.stack_networks import REMOVE

LAMBDA: Final = "AWS::Lambda::Function"
BUCKET: Final = "AWS::S3::Bucket"
INSTANCE: Final = "AWS::EC2::Instance"

# Properties whose change makes a new resource ("Update requires: Replacement" on each page).
REPLACING: Final[dict[str, frozenset[str]]] = {
    INSTANCE: frozenset({"ImageId", "SubnetId", "AvailabilityZone", "KeyName", "SecurityGroups"}),
    "AWS::EC2::SecurityGroup": frozenset({"GroupName", "GroupDescription", "VpcId"}),
    "AWS::EC2::Subnet": frozenset({"CidrBlock", "VpcId", "AvailabilityZone"}),
    "AWS::EC2::VPC": frozenset({"CidrBlock"}),
    "AWS::IAM::InstanceProfile": frozenset({"InstanceProfileName", "Path"}),
    "AWS::IAM::Role": frozenset({"RoleName", "Path"}),
    LAMBDA: frozenset({"FunctionName", "PackageType"}),
    "AWS::Logs::LogGroup": frozenset({"LogGroupName"}),
    "AWS::RDS::DBInstance": frozenset({"DBInstanceIdentifier", "Engine", "MasterUsername"}),
    BUCKET: frozenset({"BucketName"}),
    "AWS::SNS::Topic": frozenset({"TopicName", "FifoTopic"}),
    "AWS::SQS::Queue": frozenset({"QueueName", "FifoQueue"}),
    "AWS::SSM::Parameter": frozenset({"Name"}),
    "AWS::StepFunctions::StateMachine": frozenset({"StateMachineName", "StateMachineType"}),
}

# Whether a name is taken, where moto would hand out the resource that has it.
TAKEN: Final[dict[str, Callable[[str, str, str], bool]]] = {
    "AWS::IAM::Role": lambda account, _, name: (
        name in {role.name for role in iam_backends[account]["aws"].roles.values()}
    ),
    "AWS::Logs::LogGroup": lambda account, region, name: (
        name in logs_backends[account][region].groups
    ),
    BUCKET: lambda account, _, name: name in s3_backends.bucket_accounts,
    "AWS::SNS::Topic": lambda account, region, name: (
        f"arn:aws:sns:{region}:{account}:{name}" in sns_backends[account][region].topics
    ),
    "AWS::SQS::Queue": lambda account, region, name: name in sqs_backends[account][region].queues,
}

# What moto's models raise for properties that they cannot make something of.
FAILURES: Final = (
    *(ServiceException, HTTPException),  # refusals
    *(AttributeError, LookupError, NotImplementedError, TypeError, ValueError),
)


class NotMadeError(Exception):
    """A resource cannot be made, changed or removed; the text is the reason in its event."""


@dataclass
class Made:
    """A resource as the stack knows it. `resolved` is its declaration without functions."""

    logical_id: str
    type: str
    status: str
    physical_id: str = ""
    name: str = ""
    resolved: dict[str, Any] = field(default_factory=dict)
    resource: Any = None
    reason: str | None = None
    at: datetime = field(default_factory=utcnow)


def resolve(stack: Stack, logical_id: str) -> dict[str, Any]:
    """The declaration with parameters and other resources put in; NotMadeError if one lacks."""
    declared = copy.deepcopy(stack.template_dict["Resources"][logical_id])
    declared.setdefault("Properties", {})
    declared.pop("DependsOn", None)
    try:
        resolved: dict[str, Any] = parsing.clean_json(declared, stack.resource_map)
    except FAILURES as error:
        raise NotMadeError(f"{_say(error)} ({logical_id})") from error
    return resolved


def create(stack: Stack, logical_id: str, resolved: dict[str, Any]) -> Made:
    """Make it anew; NotMadeError says why that is not possible."""
    kind = resolved["Type"]
    model = _find_model(kind)
    name = _choose_name(stack, logical_id, resolved)
    made = Made(logical_id, kind, "CREATE_COMPLETE", name, name, resolved)
    if model is None:
        return made
    if kind in TAKEN and TAKEN[kind](stack.account_id, stack.region_name, name):
        raise NotMadeError(f"{name} already exists")
    _require_image(stack, resolved)
    facts = {"LogicalId": logical_id, "StackId": stack.stack_id, "ResourceType": kind}
    with_copy = copy.deepcopy(resolved)
    made.resource = _try(
        lambda: model.create_from_cloudformation_json(
            name, with_copy, stack.account_id, stack.region_name, **facts
        )
    )
    _mark(stack, made)
    return made


def change(stack: Stack, made: Made, resolved: dict[str, Any]) -> Made:
    """Change it in place."""
    model = _find_model(made.type)
    wanted = copy.deepcopy(resolved)
    code = wanted["Properties"].get("Code", {}) if made.type == LAMBDA else {}
    if "ZipFile" in code:  # moto makes a ZIP of inline code when it creates, and not here
        packed = LambdaFunction._create_zipfile_from_plaintext_code(  # noqa: SLF001 - moto's own way to do it
            code["ZipFile"]
        )
        code["ZipFile"] = base64.b64encode(packed)
    resource = _try(
        lambda: model.update_from_cloudformation_json(
            original_resource=made.resource,
            new_resource_name=made.name,
            cloudformation_json=wanted,
            account_id=stack.account_id,
            region_name=stack.region_name,
        )
    )
    changed = replace(made, status="UPDATE_COMPLETE", resolved=resolved, reason=None, at=utcnow())
    changed.resource = resource or made.resource
    _mark(stack, changed)
    return changed


def needs_replacement(made: Made, resolved: dict[str, Any]) -> bool:
    """Whether the change from what is there to `resolved` makes a new resource."""
    if made.type != resolved["Type"]:
        return True
    model = _find_model(made.type)
    update = getattr(model, "update_from_cloudformation_json", None)
    if update is None or hasattr(update, "__isabstractmethod__"):
        return True
    old, new = made.resolved["Properties"], resolved["Properties"]
    return any(old.get(name) != new.get(name) for name in REPLACING.get(made.type, ()))


def remove(stack: Stack, made: Made) -> None:
    """Delete it; NotMadeError if something holds it."""
    if made.resource is None:
        return
    _require_loose(stack, made)
    if made.type in REMOVE:
        backend = ec2_backends[stack.account_id][stack.region_name]
        facts = made.resolved["Properties"]
        _try(lambda: REMOVE[made.type](backend, made.physical_id, facts))
        return
    _try(lambda: stack.resource_map._delete_resource(made.resource, copy.deepcopy(made.resolved)))  # noqa: SLF001 - moto knows how each kind goes


def _find_model(kind: str) -> Any:
    """moto's model, or None for a kind that is nothing but a name."""
    if kind in parsing.NULL_MODELS:
        return None
    model = parsing.get_model_map().get(kind)
    if model is None:
        raise NotMadeError(f"The simulated account has no resources of type {kind}.")
    return model


def _choose_name(stack: Stack, logical_id: str, resolved: dict[str, Any]) -> str:
    kind = resolved["Type"]
    key = parsing.resource_name_property_from_type(kind)
    given = resolved["Properties"].get(key) if key else None
    return str(given or parsing.generate_resource_name(kind, stack.name, logical_id))


def _require_image(stack: Stack, resolved: dict[str, Any]) -> None:
    image = resolved["Properties"].get("ImageId")
    images = ec2_backends[stack.account_id][stack.region_name].amis
    if resolved["Type"] == INSTANCE and image not in images:
        raise NotMadeError(
            f"The image id '[{image}]' does not exist (Service: Ec2, Status Code: 400)"
        )


def _require_loose(stack: Stack, made: Made) -> None:
    """What moto would delete, and AWS would not."""
    if made.type == BUCKET:
        bucket = s3_backends[stack.account_id]["aws"].buckets.get(made.physical_id)
        if bucket is not None and bucket.keys:
            raise NotMadeError(
                "The bucket you tried to delete is not empty (Service: S3, Status Code: 409)"
            )
    if made.type == INSTANCE and made.resource.disable_api_termination is True:
        raise NotMadeError(
            f"The instance '{made.physical_id}' may not be terminated. Modify its "
            "'disableApiTermination' instance attribute and try again. "
            "(Service: Ec2, Status Code: 400)"
        )


def _mark(stack: Stack, made: Made) -> None:
    """Note the identity, and tag what EC2 keeps as CloudFormation tags it."""
    resource = made.resource
    resource.cf_resource_type = made.type
    resource.logical_resource_id = made.logical_id
    made.physical_id = resource.physical_resource_id or made.physical_id
    if isinstance(resource, TaggedEC2Resource):
        tags = {
            **stack.tags,
            "aws:cloudformation:stack-name": stack.name,
            "aws:cloudformation:stack-id": stack.stack_id,
            "aws:cloudformation:logical-id": made.logical_id,
        }
        backend = ec2_backends[stack.account_id][stack.region_name]
        backend.create_tags([made.physical_id], tags)


def _try(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except FAILURES as error:
        raise NotMadeError(_say(error)) from error


def _say(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"Properties validation failed: required key [{error.args[0]}] not found"
    return str(getattr(error, "message", None) or str(error) or type(error).__name__)

"""AWS operations by any spelling, and what repeating one would do; read from botocore's models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import botocore.session
import botocore.validate
from botocore.model import OperationModel, ServiceModel

from executions.aws.errors import AwsRefused

READ_VERB = re.compile(
    r"(Describe|Get|List|Head|Search|Lookup|Check|Validate|Simulate|BatchGet)(?![a-z])"
)
NUMBER = re.compile(r"-?[0-9]{1,18}")
# Named like reads, but they take or make something.
NOT_READS: Final = frozenset(
    {
        ("stepfunctions", "GetActivityTask"),
        ("cognito-identity", "GetId"),
        ("cognito-identity", "GetOpenIdToken"),
        ("cognito-identity", "GetOpenIdTokenForDeveloperIdentity"),
        ("ssm", "GetAccessToken"),
        ("sts", "GetFederationToken"),
        ("sts", "GetSessionToken"),
        ("dynamodb", "ListAndLock"),
    }
)
# AWS, "Ensuring idempotency in Amazon EC2 API requests": idempotent without a token.
IDEMPOTENT: Final = frozenset(
    {
        ("ec2", "TerminateInstances"),
        ("ec2", "AssociateAddress"),
        ("ec2", "DisassociateAddress"),
        ("ec2", "ReplaceNetworkAclAssociation"),
        ("ec2", "CreateVpnConnection"),
    }
)
# Streams that end by themselves and are small: their text is taken whole.
READABLE_STREAMS: Final = frozenset({("lambda", "Invoke")})
# Tokens that the models do not mark as such.
TOKEN_MEMBERS: Final = frozenset({"ClientToken", "ClientRequestToken", "CreatorRequestId"})
core = botocore.session.Session()


class Effect(StrEnum):
    """What repeating a call would do."""

    READ = "read"
    TOKEN = "token"  # noqa: S105 - a client token, no secret
    IDEMPOTENT = "idempotent"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as the model spells it."""

    service: str
    name: str
    model: OperationModel = field(compare=False)

    @property
    def token_member(self) -> str:
        """The member that carries a client token, or nothing."""
        shape = self.model.input_shape
        if shape is None:
            return ""
        for name, member in shape.members.items():
            if member.metadata.get("idempotencyToken") or name in TOKEN_MEMBERS:
                return str(name)
        return ""

    @property
    def effect(self) -> Effect:
        """How far it can be repeated."""
        key = (self.service, self.name)
        if READ_VERB.match(self.name) and key not in NOT_READS:
            return Effect.READ
        if key in IDEMPOTENT:
            return Effect.IDEMPOTENT
        return Effect.TOKEN if self.token_member else Effect.UNPROVEN


@lru_cache(maxsize=64)
def _service(name: str) -> ServiceModel:
    by_squeezed = {_squeeze(known): known for known in core.get_available_services()}
    known = by_squeezed.get(_squeeze(name))
    if known is None:
        raise AwsRefused(f"There is no AWS service {name!r} in boto3.", "UnknownService")
    return core.get_service_model(known)


@lru_cache(maxsize=2048)
def operation(service: str, name: str) -> Operation:
    """Find an operation by any spelling that runbooks use; AwsRefused if there is none."""
    model = _service(service)
    by_squeezed = {_squeeze(known): known for known in model.operation_names}
    known = by_squeezed.get(_squeeze(name))
    if known is None:
        raise AwsRefused(f"{service} has no operation {name!r}.", "UnknownOperation")
    found = model.operation_model(known)
    streams = found.has_streaming_output or found.has_event_stream_output
    if streams and (model.service_name, known) not in READABLE_STREAMS:
        raise AwsRefused(f"{known} of {service} streams its answer, which no step can take.")
    return Operation(model.service_name, known, found)


def _squeeze(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def coerce(request: Any, shape: Any) -> Any:
    """The request with texts turned into the numbers and booleans that the operation takes.

    Runbooks pass String parameters where an API wants an integer; the service converts them.
    """
    if shape is None:
        return request
    if shape.type_name == "structure" and isinstance(request, Mapping):
        return {name: coerce(item, shape.members.get(name)) for name, item in request.items()}
    if shape.type_name == "map" and isinstance(request, Mapping):
        return {name: coerce(item, shape.value) for name, item in request.items()}
    if shape.type_name == "list":
        items = request if isinstance(request, list) else [request]
        return [coerce(item, shape.member) for item in items]
    return _coerce_scalar(request, shape.type_name)


def _coerce_scalar(value: Any, kind: str) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and kind in {"integer", "long"} and NUMBER.fullmatch(value):
        return int(value)
    if isinstance(value, str) and kind == "boolean" and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if isinstance(value, (int, float)) and kind == "string":
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def check_request(target: Operation, request: Mapping[str, Any]) -> str:
    """What botocore's validator says against a request; empty when it is sound."""
    shape = target.model.input_shape
    if shape is None:
        return f"{target.name} takes no inputs." if request else ""
    report = botocore.validate.ParamValidator().validate(dict(request), shape)
    return str(report.generate_report()) if report.has_errors() else ""

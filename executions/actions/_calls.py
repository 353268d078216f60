"""What actions share that call AWS: the call that `Service` and `Api` name, and its refusals."""

from __future__ import annotations

import re
from typing import Final

from executions.actions.base import BadInput, CallFailed, StepContext, StepFailed
from executions.runbook.types import Value

NAMES: Final = frozenset({"Service", "Api"})

# Error codes without their "Exception" or "Error", which services add or leave out at will.
_DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AuthFailure",
        "Authorization",
        "InvalidClientTokenId",
        "NotAuthorized",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "Unauthorized",
        "UnauthorizedOperation",
        "UnrecognizedClient",
    }
)
_INVALID: Final = frozenset(
    {
        "InvalidAction",
        "InvalidParameter",
        "InvalidParameterCombination",
        "InvalidParameterValue",
        "MissingParameter",
        "ParamValidation",
        "Serialization",
        "UnknownOperation",
        "UnknownParameter",
        "Validation",
    }
)
# CloudFormation and others answer with a validation code when the named thing is not there.
_ABSENT: Final = re.compile(r"not (exist|found)|\bno .*\bfound", re.IGNORECASE)


def name_call(ctx: StepContext) -> tuple[str, str]:
    """The service and the operation, spelled as in the runbook; BadInput if one is empty."""
    service, operation = ctx.text("Service").strip(), ctx.text("Api").strip()
    if not service:
        raise BadInput("Service is empty. Name an AWS service, such as ec2.")
    if not operation:
        raise BadInput(f"Api is empty. Name an operation of {service}, such as DescribeInstances.")
    return service, operation


def build_request(ctx: StepContext, own: frozenset[str] = NAMES) -> dict[str, Value]:
    """The request: every input that is not the action's `own`, unchanged."""
    return {name: value for name, value in ctx.inputs.items() if name not in own}


def describe_refusal(service: str, operation: str, error: CallFailed) -> str:
    """A refusal as a sentence for people."""
    return f"AWS refused {operation} of {service}: {error.code} ({error})"


def refused(
    service: str, operation: str, error: CallFailed, *, stage: str = "Invocation"
) -> StepFailed:
    """The failure of a step whose read AWS refused."""
    return StepFailed(
        describe_refusal(service, operation, error),
        stage=stage,
        kind="Permission" if _is_denied(error) else "Action",
    )


def is_final(error: CallFailed) -> bool:
    """Whether asking again cannot help: access denied, or a request that cannot be right."""
    if _is_denied(error) or error.code.endswith(".Malformed"):
        return True
    return _stem(error) in _INVALID and not _ABSENT.search(str(error))


def _is_denied(error: CallFailed) -> bool:
    return _stem(error) in _DENIED


def _stem(error: CallFailed) -> str:
    return error.code.removesuffix("Exception").removesuffix("Error")

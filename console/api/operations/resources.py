"""Tags, settings of the service, and previews."""

from __future__ import annotations

from functools import partial
from typing import Any

from console.api.operations.base import PREPARATIONS, Caller, Params, operation, refuse_given
from console.api.operations.executions import START, complete, find_version
from console.api.protocol import ApiError
from executions import lifecycle, previews, service_settings, tagging
from executions.errors import NotAllowed, Refused
from executions.service_settings import Setting

INVALID = "ValidationException"
NOT_PREVIEWED = (
    *("TargetParameterName", "Targets", "TargetMaps", "TargetLocations", "TargetLocationsURL"),
)


@operation
def add_tags_to_resource(caller: Caller, params: Params) -> dict[str, Any]:
    """Tag a document or an execution."""
    tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    tagging.add(_resource(params), tags, by=caller.user, region=caller.region)
    return {}


@operation
def remove_tags_from_resource(caller: Caller, params: Params) -> dict[str, Any]:
    """Take tags away."""
    tagging.remove(_resource(params), params["TagKeys"], by=caller.user, region=caller.region)
    return {}


@operation
def list_tags_for_resource(caller: Caller, params: Params) -> dict[str, Any]:
    """The tags of a document or an execution."""
    tags = tagging.of(_resource(params), by=caller.user, region=caller.region)
    return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _resource(params: Params) -> tuple[str, str]:
    return params["ResourceType"], params["ResourceId"]


@operation
def get_service_setting(caller: Caller, params: Params) -> dict[str, Any]:
    """A setting as it is in force."""
    setting = service_settings.read(params["SettingId"], region=caller.region, by=caller.user)
    return {"ServiceSetting": _setting(setting)}


@operation
def update_service_setting(caller: Caller, params: Params) -> dict[str, Any]:
    """Change a setting."""
    service_settings.write(
        params["SettingId"], params["SettingValue"], region=caller.region, by=caller.user
    )
    return {}


@operation
def reset_service_setting(caller: Caller, params: Params) -> dict[str, Any]:
    """Back to the default."""
    setting = service_settings.reset(params["SettingId"], region=caller.region, by=caller.user)
    return {"ServiceSetting": _setting(setting)}


def _setting(setting: Setting) -> dict[str, Any]:
    return {
        "SettingId": setting.setting_id,
        "SettingValue": setting.value,
        "LastModifiedDate": setting.changed_at,
        "LastModifiedUser": setting.changed_by or "System",
        "ARN": setting.arn,
        "Status": "Customized" if setting.changed_by else "Default",
    }


@operation
def start_execution_preview(caller: Caller, params: Params) -> dict[str, Any]:
    """Judge what a start would do."""
    refuse_given(_inputs(params), NOT_PREVIEWED, INVALID)
    try:
        request = caller.prepared or _request(caller, params)
        preview = previews.start(request, by=caller.user)
    except NotAllowed:
        raise
    except Refused as refusal:  # the one error that this operation has for all of them
        raise ApiError(INVALID, refusal.message) from refusal
    return {"ExecutionPreviewId": str(preview.id)}


def _inputs(params: Params) -> Params:
    inputs: Params = params.get("ExecutionInputs", {}).get("Automation", {})
    return inputs


def _request(caller: Caller, params: Params) -> lifecycle.Start:
    version = find_version(caller, params, START)
    return lifecycle.Start(version, caller.region, _inputs(params).get("Parameters", {}))


PREPARATIONS["StartExecutionPreview"] = partial(complete, _request)


@operation
def get_execution_preview(caller: Caller, params: Params) -> dict[str, Any]:
    """The judgement."""
    preview = previews.find(params["ExecutionPreviewId"], region=caller.region, by=caller.user)
    return {
        "ExecutionPreviewId": str(preview.id),
        "EndedAt": preview.at,
        "Status": "Success",
        "ExecutionPreview": {
            "Automation": {
                "StepPreviews": preview.steps,
                "Regions": [preview.region],
                "TargetPreviews": preview.targets,
                "TotalAccounts": 1,
            }
        },
    }

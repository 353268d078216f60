"""Run Command on the wire: moto's SSM with our operations, and the shapes of their answers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.instances import Instance
from moto.ssm.responses import SimpleSystemManagerResponse

from console.simulator.answers import RefusedError
from console.simulator.commands.patches import describe_states
from console.simulator.commands.service import MOST_IDS, Place, RunCommand, platform_of
from console.simulator.commands.values import (
    MOST_STDERR,
    MOST_STDOUT,
    Command,
    Invocation,
    Plugin,
    State,
    Step,
    shorten,
)
from console.simulator.instances.machines import Machines

AGENT_VERSION: Final = "3.3.987.0"
# What answers show of a request as it was sent.
SHOWN: Final = (
    *("Comment", "DocumentName", "DocumentVersion", "InstanceIds", "MaxConcurrency", "MaxErrors"),
    *("NotificationConfig", "OutputS3BucketName", "OutputS3KeyPrefix", "OutputS3Region"),
    *("Parameters", "Targets", "TimeoutSeconds", "CloudWatchOutputConfig"),
)
DEFAULTS: Final[Mapping[str, Any]] = {
    "Comment": "",
    "InstanceIds": [],
    "MaxConcurrency": "50",
    "MaxErrors": "0",
    "Targets": [],
}
NOTHING: Final = Step("", "", "", "")  # what has no output yet
T = TypeVar("T")
Answer = Callable[[Place, Mapping[str, Any]], dict[str, Any]]


class Answers:
    """One method for each operation: (account and Region, request) to answer."""

    def __init__(self, commands: RunCommand, machines: Machines) -> None:
        self._commands = commands
        self._machines = machines

    def install(self) -> None:
        """Put these operations in the place of moto's, once per process."""
        operations: tuple[Answer, ...] = (
            self.send_command,
            self.cancel_command,
            self.list_commands,
            self.list_command_invocations,
            self.get_command_invocation,
            self.describe_instance_information,
            self.describe_instance_patch_states,
        )
        for operation in operations:
            setattr(SimpleSystemManagerResponse, operation.__name__, _bind(operation))

    def send_command(self, place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"Command": _show_command(self._commands.send(place, request))}

    def cancel_command(self, place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
        self._commands.cancel(place, request)
        return {}

    def list_commands(self, place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
        found = self._commands.list_all(place, request)
        return _page("Commands", [_show_command(each) for each in found], request)

    def list_command_invocations(self, place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
        with_plugins = bool(request.get("Details"))
        found = [
            _show_invocation(command, invocation, with_plugins)
            for command in self._commands.list_all(place, request)
            for invocation in command.invocations
            if request.get("InstanceId", invocation.instance_id) == invocation.instance_id
        ]
        return _page("CommandInvocations", found, request)

    def get_command_invocation(self, place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
        command = self._commands.find(place, request["CommandId"])
        found = (i for i in command.invocations if i.instance_id == request["InstanceId"])
        invocation = next(found, None)
        if invocation is None:
            raise RefusedError("InvocationDoesNotExist", "")
        plugin = _choose_plugin(invocation, request.get("PluginName"))
        return _show_result(command, invocation, plugin)

    def describe_instance_information(
        self, place: Place, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        filters = _read_filters(request)
        shown = [self._show_instance(each) for each in self._machines.list_all(*place)]
        found = [
            {name: value for name, value in each.items() if name != "Tags"}
            for each in shown
            if all(_fits(each, key, wanted) for key, wanted in filters)
        ]
        return _page("InstanceInformationList", found, request)

    def describe_instance_patch_states(
        self, place: Place, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        commands = self._commands.list_all(place, {})
        found = list(describe_states(commands, request["InstanceIds"]))
        return _page("InstancePatchStates", found, request)

    def _show_instance(self, instance: Instance) -> dict[str, Any]:
        platform = platform_of(instance)
        is_windows = platform == "Windows"
        return {
            "InstanceId": instance.id,
            "PingStatus": self._machines.ping(instance),
            "LastPingDateTime": datetime.now(UTC),
            "AgentVersion": AGENT_VERSION,
            "IsLatestVersion": True,
            "PlatformType": platform,
            "PlatformName": "Microsoft Windows Server 2022" if is_windows else "Amazon Linux",
            "PlatformVersion": "10.0.20348" if is_windows else "2023",
            "ResourceType": "EC2Instance",
            "IPAddress": instance.private_ip or "",
            "ComputerName": instance.private_dns_name or "",
            "Tags": {tag["key"]: tag["value"] for tag in instance.get_tags()},
        }


def _bind(operation: Answer) -> Callable[[SimpleSystemManagerResponse], ActionResult]:
    """A plain function, since moto finds its operations among those."""

    @functools.wraps(operation)
    def method(response: SimpleSystemManagerResponse) -> ActionResult:
        place = (response.current_account, response.region)
        answer = operation(place, json.loads(response.body or "{}"))
        return ActionResult(answer) if answer else EmptyResult()

    return method


def _show_command(command: Command) -> dict[str, Any]:
    state = command.state
    states = [each.state for each in command.invocations]
    return {
        **DEFAULTS,
        **{name: command.request[name] for name in SHOWN if name in command.request},
        "CommandId": command.command_id,
        "RequestedDateTime": command.requested,
        "ExpiresAfter": command.requested + timedelta(seconds=command.window),
        "ServiceRole": command.request.get("ServiceRoleArn", ""),
        "Status": state.status,
        "StatusDetails": state.details,
        "TargetCount": len(states),
        "CompletedCount": sum(each.is_final for each in states),
        "ErrorCount": command.errors,
        "DeliveryTimedOutCount": sum(each.details == "DeliveryTimedOut" for each in states),
    }


def _show_invocation(command: Command, invocation: Invocation, plugins: bool) -> dict[str, Any]:
    state = invocation.shown
    return {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "InstanceName": invocation.instance_name,
        "Comment": command.request.get("Comment", ""),
        "DocumentName": command.request["DocumentName"],
        "DocumentVersion": command.request["DocumentVersion"],
        "RequestedDateTime": invocation.requested,
        "Status": state.status,
        "StatusDetails": state.details,
        "ServiceRole": command.request.get("ServiceRoleArn", ""),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [_show_plugin(invocation, p) for p in invocation.plugins if plugins],
    }


def _show_plugin(invocation: Invocation, plugin: Plugin) -> dict[str, Any]:
    state = _plugin_state(invocation, plugin)
    shown = {
        "Name": plugin.step.name,
        "Status": state.status,
        "StatusDetails": state.details,
        "ResponseCode": state.code,
        "ResponseStartDateTime": plugin.started,
        "ResponseFinishDateTime": plugin.ended,
        "Output": plugin.output if state.is_final else "",
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    }
    return {name: value for name, value in shown.items() if value is not None}


def _plugin_state(invocation: Invocation, plugin: Plugin) -> State:
    """A plugin that did not run shares the fate of the invocation."""
    return plugin.state if plugin.started or not invocation.state.is_final else invocation.state


def _choose_plugin(invocation: Invocation, name: str | None) -> Plugin | None:
    """The one of that name; without a name the only one, or None for the whole."""
    if name is None:
        return invocation.plugins[0] if len(invocation.plugins) == 1 else None
    found = next((each for each in invocation.plugins if each.step.name == name), None)
    if found is None:
        raise RefusedError("InvalidPluginName", "")
    return found


def _show_result(command: Command, invocation: Invocation, plugin: Plugin | None) -> dict[str, Any]:
    state = _plugin_state(invocation, plugin) if plugin else invocation.shown
    if invocation.is_cancelled:
        state = invocation.shown
    started, ended = (plugin.started, plugin.ended) if plugin else (None, None)
    shown = plugin if plugin and state.is_final else Plugin(NOTHING)
    return {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "Comment": command.request.get("Comment", ""),
        "DocumentName": command.request["DocumentName"],
        "DocumentVersion": command.request["DocumentVersion"],
        "PluginName": plugin.step.name if plugin else "",
        "ResponseCode": state.code,
        "ExecutionStartDateTime": f"{started:%Y-%m-%dT%H:%M:%S.%fZ}" if started else "",
        "ExecutionElapsedTime": _write_elapsed(started, ended),
        "ExecutionEndDateTime": f"{ended:%Y-%m-%dT%H:%M:%S.%fZ}" if ended else "",
        "Status": state.status,
        "StatusDetails": state.details,
        "StandardOutputContent": shorten(shown.stdout, MOST_STDOUT),
        "StandardOutputUrl": "",
        "StandardErrorContent": shorten(shown.stderr, MOST_STDERR),
        "StandardErrorUrl": "",
    }


def _write_elapsed(started: datetime | None, ended: datetime | None) -> str:
    return f"PT{(ended - started).total_seconds():.3f}S" if started and ended else ""


def _read_filters(request: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Both spellings of DescribeInstanceInformation's filters."""
    new = [(each["Key"], each["Values"]) for each in request.get("Filters") or []]
    old = request.get("InstanceInformationFilterList") or []
    return new + [(each["key"], each["valueSet"]) for each in old]


FILTERS: Final = {
    "InstanceIds": "InstanceId",
    "PingStatus": "PingStatus",
    "PlatformTypes": "PlatformType",
    "AgentVersion": "AgentVersion",
    "ResourceType": "ResourceType",
}


def _fits(shown: Mapping[str, Any], key: str, wanted: Sequence[str]) -> bool:
    if key in FILTERS:
        return shown[FILTERS[key]] in wanted
    if key == "tag-key":
        return not shown["Tags"].keys().isdisjoint(wanted)
    if key.startswith("tag:"):
        return shown["Tags"].get(key.removeprefix("tag:")) in wanted
    raise RefusedError("InvalidFilterKey", f"The simulated account has no filter {key}.")


def _page(name: str, items: list[T], request: Mapping[str, Any]) -> dict[str, Any]:
    """One page; the token is the number of the first item of the next."""
    token = request.get("NextToken") or "0"
    if not token.isdecimal() or int(token) > len(items):
        raise RefusedError("InvalidNextToken", "The token is not valid.")
    begin = int(token)
    end = begin + int(request.get("MaxResults") or MOST_IDS)
    more = {"NextToken": str(end)} if end < len(items) else {}
    return {name: items[begin:end], **more}

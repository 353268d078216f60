"""SendCommand and what asks after commands: the book of all commands, and its questions."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from moto.ec2.models.instances import Instance
from moto.ssm.models import ssm_backends

from console.simulator.answers import RefusedError
from console.simulator.calls import record_effect
from console.simulator.commands.documents import (
    CommandDocument,
    load_predefined,
    plan,
    read_own,
    split_name,
)
from console.simulator.commands.runner import Runner
from console.simulator.commands.values import (
    INVALID_PLATFORM,
    Command,
    Invocation,
    Plugin,
    Step,
    read_share,
)
from console.simulator.instances.machines import Machines

MOST_IDS: Final = 50
MOST_COMMANDS: Final = 5_000  # kept; the oldest fall out
WINDOW: Final = 3600  # seconds, where TimeoutSeconds is not given
SHARE: Final = re.compile(r"[0-9]{1,4}|[1-9][0-9]?%|100%|0%")
PARAMETERS: Final = ("InstanceIds", "Targets")

Place = tuple[str, str]  # account and Region
Request = Mapping[str, Any]


class RunCommand:
    """All commands of all accounts. Called under the simulator's lock."""

    def __init__(self, machines: Machines, runner: Runner, scale: float) -> None:
        self._machines = machines
        self._runner = runner
        self._scale = scale
        self._commands: dict[str, Command] = {}

    def send(self, place: Place, request: Request) -> Command:
        """SendCommand: made, and under way. RefusedError for what AWS refuses."""
        _check(request)
        document = self._find_document(place, request)
        steps = _plan(document, request.get("Parameters") or {})
        instances = self._choose(place, request)
        now = datetime.now(UTC)
        command = Command(
            command_id=str(uuid.uuid4()),
            account=place[0],
            region=place[1],
            request={**request, "DocumentVersion": request.get("DocumentVersion") or ""},
            requested=now,
            window=request.get("TimeoutSeconds", WINDOW) * self._scale,
            invocations=[_invoke(instance, document, steps, now) for instance in instances],
            most_at_once=read_share(request.get("MaxConcurrency") or "50", len(instances), 1),
            most_errors=read_share(request.get("MaxErrors") or "0", len(instances), 0),
        )
        self._commands[command.command_id] = command
        if len(self._commands) > MOST_COMMANDS:
            del self._commands[next(iter(self._commands))]
        record_effect(each.instance_id for each in command.invocations)
        self._runner.start(command)
        return command

    def find(self, place: Place, command_id: str) -> Command:
        """The command of that id. InvalidCommandId if it is none of this account's."""
        command = self._commands.get(command_id)
        if command is None or (command.account, command.region) != place:
            raise RefusedError("InvalidCommandId", "")
        return command

    def list_all(self, place: Place, request: Request) -> list[Command]:
        """Those that ListCommands and ListCommandInvocations ask for, the newest first."""
        tests = _read_filters(request)
        return [
            command
            for command in reversed(self._commands.values())
            if (command.account, command.region) == place
            and request.get("CommandId", command.command_id) == command.command_id
            and all(test(command) for test in tests)
        ]

    def cancel(self, place: Place, request: Request) -> None:
        """CancelCommand, on all its instances or on some. No command or instance is a refusal."""
        command = self.find(place, request["CommandId"])
        wanted = set(request.get("InstanceIds") or ())
        strange = wanted - {each.instance_id for each in command.invocations}
        if strange:
            raise _invalid_instances(strange, place)
        for invocation in command.invocations:
            if not wanted or invocation.instance_id in wanted:
                invocation.cancel()

    def sweep(self) -> None:
        """Follow instances that went down or away."""
        self._runner.sweep()
        self._machines.sweep()

    def _find_document(self, place: Place, request: Request) -> CommandDocument:
        """AWS's, the caller's, or by its ARN another account's."""
        owner, name = split_name(request["DocumentName"])
        if not owner and name in load_predefined():
            return load_predefined()[name]
        version = (request.get("DocumentVersion") or "").replace("$DEFAULT", "")
        backend = ssm_backends[owner or place[0]][place[1]]
        found = backend.get_document(
            name=name, document_version=version, version_name="", document_format=""
        )
        return read_own(name, str(found["DocumentVersion"]), found["Content"])

    def _choose(self, place: Place, request: Request) -> list[Instance]:
        managed = {instance.id: instance for instance in self._machines.list_all(*place)}
        if ids := request.get("InstanceIds"):
            if absent := set(ids) - managed.keys():
                raise _invalid_instances(absent, place)
            return [managed[name] for name in dict.fromkeys(ids)]
        return [
            instance
            for instance in managed.values()
            if all(_fits(instance, target) for target in request["Targets"])
        ]


def _check(request: Request) -> None:
    """What AWS refuses before it looks at anything. Lengths and types are botocore's affair."""
    ids, targets = (request.get(name) or [] for name in PARAMETERS)
    if bool(ids) == bool(targets):
        raise RefusedError("ValidationException", "Specify either InstanceIds or Targets.")
    if len(ids) > MOST_IDS:
        raise RefusedError("ValidationException", f"InstanceIds takes at most {MOST_IDS} ids.")
    if not 30 <= request.get("TimeoutSeconds", WINDOW) <= 2_592_000:
        raise RefusedError("ValidationException", "TimeoutSeconds must be from 30 to 2592000.")
    for name in ("MaxConcurrency", "MaxErrors"):
        if not SHARE.fullmatch(request.get(name) or "1") or request.get(name) == "0" != name:
            raise RefusedError("ValidationException", f"{name} is no number and no percentage.")


def _plan(document: CommandDocument, parameters: Mapping[str, list[str]]) -> list[Step]:
    try:
        steps = plan(document, parameters)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise RefusedError("InvalidDocument", f"{document.name} cannot be read: {error}") from error
    if not steps:
        raise RefusedError("InvalidDocument", f"{document.name} has no steps.")
    return steps


def _invoke(
    instance: Instance, document: CommandDocument, steps: Iterable[Step], now: datetime
) -> Invocation:
    name = next((tag["value"] for tag in instance.get_tags() if tag["key"] == "Name"), "")
    invocation = Invocation(instance.id, name, now, [Plugin(step) for step in steps])
    if document.platforms and platform_of(instance) not in document.platforms:
        invocation.state = INVALID_PLATFORM
    return invocation


def platform_of(instance: Instance) -> str:
    return "Windows" if instance.platform == "windows" else "Linux"


def _fits(instance: Instance, target: Mapping[str, Any]) -> bool:
    """Whether one of Targets means this instance ("Using targets and rate controls")."""
    key, wanted = target.get("Key", ""), target.get("Values") or []
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    if key.lower() == "instanceids":
        return "*" in wanted or instance.id in wanted
    if key == "tag-key":
        return not tags.keys().isdisjoint(wanted)
    if key.startswith("tag:"):
        return tags.get(key.removeprefix("tag:")) in wanted
    raise RefusedError("InvalidTarget", f"The simulated account has no target {key}.")


def _invalid_instances(names: Iterable[str], place: Place) -> RefusedError:
    listed = ", ".join(sorted(names))
    return RefusedError(
        "InvalidInstanceId", f"Instances [[{listed}]] not in a valid state for account {place[0]}"
    )


def _read_filters(request: Request) -> list[Callable[[Command], bool]]:
    """CommandFilter: each key at most once, all of them met."""
    instance = request.get("InstanceId")
    tests: list[Callable[[Command], bool]] = []
    if instance:
        tests.append(lambda command: any(i.instance_id == instance for i in command.invocations))
    tests += [_read_filter(each["key"], each["value"]) for each in request.get("Filters") or []]
    return tests


def _read_filter(key: str, value: str) -> Callable[[Command], bool]:
    if key in ("InvokedAfter", "InvokedBefore"):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise RefusedError("InvalidFilterKey", f"{value} is no time.") from error
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if key == "InvokedAfter":
            return lambda command: command.requested > moment
        return lambda command: command.requested < moment
    if key == "Status":
        return lambda command: value in (command.state.status, command.state.details)
    if key == "DocumentName":
        return lambda command: bool(command.request["DocumentName"] == value)
    raise RefusedError("InvalidFilterKey", f"The simulated account has no filter {key}.")

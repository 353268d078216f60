"""A CloudFormation stack that takes its time: moto's, with our resources and events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from moto.cloudformation.models import Event, Stack
from moto.cloudformation.parsing import Export, ResourceMap
from moto.core.utils import utcnow

from console.simulator import stack_work, templates
from console.simulator.agenda import Agenda
from console.simulator.calls import find_token
from console.simulator.stack_resources import Made

HIDDEN: Final = "****"


class SimulatedStack(Stack):
    """Moto asks for create_resources, update and delete; what follows happens on the agenda."""

    agenda: ClassVar[Agenda]

    def __init__(self, *args: Any, **facts: Any) -> None:
        self.made: dict[str, Made] = {}
        self.token: str | None = find_token()
        self.stack_status_reason: str | None = None
        self.last_updated_time: Any = None
        self.deletion_time: Any = None
        self.on_failure = "ROLLBACK"
        self.retained: frozenset[str] = frozenset()
        super().__init__(*args, **facts)

    @staticmethod
    def parse_template(template: str) -> dict[str, Any]:
        """Read it without YAML's way to run code."""
        return templates.parse(template)

    @property
    def is_moving(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")

    @property
    def capabilities(self) -> list[str]:
        return [needed] if (needed := templates.capability(self.template_dict)) else []

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        """None until the resources are there: to look must not make them."""
        return super().outputs if self._has_outputs else None

    @property
    def exports(self) -> list[Export]:
        """The same for exports."""
        return self.output_map.exports if self._has_outputs else []

    @property
    def _has_outputs(self) -> bool:
        return bool(self.made) and self.status in stack_work.WITH_OUTPUTS

    @property
    def stack_resources(self) -> Iterable[Any]:
        return list(self.made.values())

    @property
    def parameter_list(self) -> list[dict[str, Any]]:
        """The parameters; those with NoEcho show asterisks."""
        declared = self.template_dict.get("Parameters", {})
        return [
            {"ParameterKey": key, "ParameterValue": _show(declared.get(key, {}), value)}
            for key, value in self.resource_map.resolved_parameters.items()
        ]

    def create_resources(self) -> None:
        """Begin to make the resources of a new stack."""
        self.turn("CREATE_IN_PROGRESS", quiet=True)
        self.agenda.begin(stack_work.create(self))

    def update(
        self,
        template: str,
        role_arn: str | None = None,
        parameters: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Begin to change it; the answer comes before anything has changed."""
        before = (self.template, self.parameters)
        self.role_arn = role_arn or self.role_arn
        self.token = find_token()
        self.last_updated_time = utcnow()
        self.turn("UPDATE_IN_PROGRESS", "User Initiated")
        self.read(template, self.parameters if parameters is None else parameters)
        if tags is not None:
            self.tags = tags
        self.agenda.begin(stack_work.update(self, before))

    def delete(self) -> None:
        """Begin to delete it."""
        self.token = find_token()
        self.turn("DELETE_IN_PROGRESS", "User Initiated")
        self.agenda.begin(stack_work.delete(self))

    def read(self, template: Any, parameters: dict[str, Any]) -> None:
        """Take up a template and its parameters; the resources stay as they are."""
        self.template, self.parameters = template, parameters
        self._parse_template()
        self.resource_map = self._create_resource_map()
        for made in self.made.values():
            self.place(made)
        self.output_map = self._create_output_map()

    def place(self, made: Made) -> None:
        """Let other resources, and outputs, refer to this one."""
        self.made[made.logical_id] = made
        parsed = _parsed(self.resource_map)
        parsed[made.logical_id] = made.resource or made.physical_id
        self.output_map = self._create_output_map()

    def forget(self, logical_id: str) -> None:
        """It is gone, or the stack has let go of it."""
        self.made.pop(logical_id, None)
        _parsed(self.resource_map).pop(logical_id, None)

    def turn(self, status: str, reason: str | None = None, quiet: bool = False) -> None:
        """Enter a status; `quiet` if moto has written the event already."""
        self.status, self.stack_status_reason = status, reason
        if status == "DELETE_COMPLETE":
            self.deletion_time = utcnow()
        if not quiet:
            self._add_stack_event(status, reason)

    def _add_stack_event(
        self,
        resource_status: str,
        resource_status_reason: str | None = None,
        resource_properties: str | None = None,
    ) -> None:
        made = Made(self.name, "AWS::CloudFormation::Stack", resource_status, self.stack_id)
        made.reason = resource_status_reason
        self.tell(made)

    def tell(self, made: Made) -> None:
        """Add an event, with the token of the operation under way."""
        event = Event(
            stack_id=self.stack_id,
            stack_name=self.name,
            logical_resource_id=made.logical_id,
            physical_resource_id=made.physical_id,
            resource_type=made.type,
            resource_status=made.status,
            resource_status_reason=made.reason,
            resource_properties=None,
        )
        event.client_request_token = self.token  # type: ignore[assignment] # moto only has None
        event.sendToSns(self.account_id, self.region_name, self.notification_arns)
        self.events.append(event)


def _parsed(resource_map: ResourceMap) -> dict[str, Any]:
    return resource_map._parsed_resources  # noqa: SLF001 - where moto looks references up


def _show(declared: dict[str, Any], value: Any) -> str:
    if str(declared.get("NoEcho", "")).lower() == "true":
        return HIDDEN
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

"""AMIs that take their time, with names that are unique and snapshots that are held.

"CreateImage", "CopyImage" and "AMI lifecycle" of EC2 have the rules.
"""

from __future__ import annotations

from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.responses.amis import AmisResponse

from console.simulator.agenda import Agenda
from console.simulator.answers import RefusedError
from console.simulator.calls import record_effect
from console.simulator.transitions import GONE, Transitions

IMAGE: Final = 8.0  # seconds at time scale 1
COPY: Final = 10.0


def install(agenda: Agenda, transitions: Transitions) -> None:
    """Put images that are pending first in the place of moto's, once per process."""

    def create_image(response: AmisResponse) -> ActionResult:
        return _create_image(response, agenda, transitions)

    def copy_image(response: AmisResponse) -> ActionResult:
        return _copy_image(response, agenda)

    for operation in (create_image, copy_image):
        setattr(AmisResponse, operation.__name__, operation)
    Snapshot.progress = property(_show_progress)  # type: ignore[assignment,method-assign] # moto's says 100% always


def _create_image(response: AmisResponse, agenda: Agenda, transitions: Transitions) -> ActionResult:
    """CreateImage. Without NoReboot a running instance starts anew."""
    response.error_on_dryrun()
    given, backend = response.params, response.ec2_backend
    instance = backend.get_instance(given["InstanceId"])
    if instance.state in (*GONE, "pending"):
        raise RefusedError(
            "IncorrectState",
            f"Instance {instance.id} is {instance.state}: an image can be made of a running, "
            "stopping or stopped instance.",
        )
    _require_free_name(backend, given["Name"])
    tags = {item["ResourceType"]: item["Tags"] for item in given.get("TagSpecifications", [])}
    own = [{"ResourceType": "image", "Tags": tags["image"]}] if "image" in tags else []
    image = backend.create_image(
        instance.id, given["Name"], given.get("Description", ""), tag_specifications=own
    )
    image.ebs_snapshot.add_tags({tag["Key"]: tag["Value"] for tag in tags.get("snapshot", [])})
    if instance.state == "running" and not given.get("NoReboot"):
        transitions.reboot(instance)
        record_effect([instance.id])
    return _make(image, agenda, IMAGE)


def _copy_image(response: AmisResponse, agenda: Agenda) -> ActionResult:
    """CopyImage from a Region of the same account."""
    response.error_on_dryrun()
    given, backend = response.params, response.ec2_backend
    source_region, source_id = given["SourceRegion"], given["SourceImageId"]
    _require_free_name(backend, given["Name"])
    source = ec2_backends[backend.account_id][source_region].amis.get(source_id)
    if source is not None and source.state != "available":
        raise RefusedError("InvalidRequest", f"Image {source_id} is {source.state}, not available.")
    image = backend.copy_image(source_id, source_region, given["Name"], given.get("Description"))
    image.source_image_id, image.source_image_region = source_id, source_region
    image.ebs_snapshot.encrypted = bool(given.get("Encrypted"))
    return _make(image, agenda, COPY)


def _make(image: Ami, agenda: Agenda, seconds: float) -> ActionResult:
    """The image exists, and is being made; so are its snapshots."""
    image.state = image.ebs_snapshot.status = "pending"

    def finish() -> None:
        image.ebs_snapshot.status = "completed"
        if image.state == "pending":
            image.state = "available"

    agenda.later(seconds, finish)
    record_effect([image.id])
    return ActionResult({"ImageId": image.id})


def _require_free_name(backend: EC2Backend, name: str) -> None:
    other = next((each for each in backend.amis.values() if each.name == name), None)
    if other is not None and other.owner_id == backend.account_id:
        message = f"AMI name {name} is already in use by AMI {other.id}"
        raise RefusedError("InvalidAMIName.Duplicate", message)


def _show_progress(snapshot: Any) -> str:
    return "100%" if snapshot.status == "completed" else "42%"

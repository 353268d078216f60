"""Volumes and snapshots: what EC2 refuses and moto does not, and snapshots that take their time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_block_store import EBSBackend, Snapshot, Volume, VolumeAttachment
from moto.ec2.models.iam_instance_profile import (
    IamInstanceProfileAssociation,
    IamInstanceProfileAssociationBackend,
)
from moto.ec2.models.instances import Instance, InstanceBackend, Reservation
from moto.ec2.responses.elastic_block_store import ElasticBlockStore

from console.simulator.agenda import Agenda
from console.simulator.answers import RefusedError
from console.simulator.calls import record_effect

SNAPSHOT: Final = 5.0  # seconds at time scale 1


def install(agenda: Agenda) -> None:
    """Put these rules in the place of moto's, once per process."""
    take, copy = EBSBackend.create_snapshot, EBSBackend.copy_snapshot
    setattr(EBSBackend, take.__name__, _slow_down(take, agenda))
    setattr(EBSBackend, copy.__name__, _slow_down(copy, agenda))
    create = EBSBackend.create_volume
    replace = IamInstanceProfileAssociationBackend.replace_iam_instance_profile_association

    def create_volume(backend: EC2Backend, *args: Any, **facts: Any) -> Volume:
        if snapshot := backend.snapshots.get(str(facts.get("snapshot_id"))):
            _require_completed(snapshot)
        return create(backend, *args, **facts)

    def replace_iam_instance_profile_association(
        backend: EC2Backend, *args: Any, **facts: Any
    ) -> IamInstanceProfileAssociation:
        association = replace(backend, *args, **facts)
        shown = {"Arn": association.iam_instance_profile.arn, "Id": association.association_id}
        instance_id = association.instance.id
        backend.modify_instance_attribute(instance_id, "iam_instance_profile", shown)
        return association

    setattr(EBSBackend, create.__name__, create_volume)
    setattr(Instance, setup_defaults.__name__, setup_defaults)
    launch = InstanceBackend.run_instances
    setattr(InstanceBackend, launch.__name__, _with_roots(launch))
    setattr(VolumeAttachment, delete_on_termination.__name__, property(delete_on_termination))
    attach, detach = ElasticBlockStore.attach_volume, ElasticBlockStore.detach_volume
    setattr(ElasticBlockStore, attach.__name__, _check_first(attach, _require_attachable))
    setattr(ElasticBlockStore, detach.__name__, _check_first(detach, _require_detachable))
    setattr(
        IamInstanceProfileAssociationBackend,
        replace.__name__,
        replace_iam_instance_profile_association,
    )


def setup_defaults(instance: Instance) -> None:
    """Give it a root volume where its image has one; moto calls that /dev/sda1 always."""
    backend = instance.ec2_backend
    volume = backend.create_volume(size=8, zone_name=instance.placement.zone)
    volume.image_id = instance.image_id  # what is on it, see instances/storage.py
    device = instance.root_device_name or "/dev/sda1"
    backend.attach_volume(volume.id, instance.id, device, True)


def _with_roots(launch: Callable[..., Reservation]) -> Callable[..., Reservation]:
    """Launch with a root volume too where other devices are given, as EC2 does."""

    @functools.wraps(launch)
    def run_instances(backend: EC2Backend, *args: Any, **facts: Any) -> Reservation:
        reservation = launch(backend, *args, **facts)
        for instance in reservation.instances:
            if instance.root_device_name not in instance.block_device_mapping:
                setup_defaults(instance)
        return reservation

    return run_instances


def delete_on_termination(attachment: VolumeAttachment) -> bool:
    """DeleteOnTermination, which moto shows of the instance and not of the volume."""
    blocks = attachment.instance.block_device_mapping.values()
    return any(
        block.delete_on_termination for block in blocks if block.volume_id == attachment.volume_id
    )


def _slow_down(take: Callable[..., Snapshot], agenda: Agenda) -> Callable[..., Snapshot]:
    @functools.wraps(take)
    def take_slowly(backend: EC2Backend, *args: Any, **facts: Any) -> Snapshot:
        snapshot = take(backend, *args, **facts)
        if snapshot.from_ami is None:  # else it is the image that takes its time
            snapshot.status = "pending"
            agenda.later(SNAPSHOT, lambda: setattr(snapshot, "status", "completed"))
            record_effect([snapshot.id])
        return snapshot

    return take_slowly


def _require_completed(snapshot: Snapshot) -> None:
    if snapshot.status != "completed":
        message = f"Snapshot '{snapshot.id}' is not 'completed'; it is {snapshot.status}."
        raise RefusedError("IncorrectState", message)


def _check_first(
    operation: Callable[[ElasticBlockStore], ActionResult],
    require: Callable[[EC2Backend, dict[str, Any]], None],
) -> Callable[[ElasticBlockStore], ActionResult]:
    """The operation after a check of what was given, which may complete it."""

    @functools.wraps(operation)
    def checked(response: ElasticBlockStore) -> ActionResult:
        require(response.ec2_backend, response.params)
        result = operation(response)
        record_effect([response.params["VolumeId"]])
        return result

    return checked


def _require_attachable(backend: EC2Backend, given: dict[str, Any]) -> None:
    volume, instance = (
        backend.get_volume(given["VolumeId"]),
        backend.get_instance(given["InstanceId"]),
    )
    if volume.attachment is not None:
        raise RefusedError("VolumeInUse", f"{volume.id} is already attached to an instance")
    if instance.state not in ("running", "stopped"):
        raise RefusedError("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if (device := given["Device"]) in instance.block_device_mapping:
        raise RefusedError(
            "InvalidParameterValue",
            f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use",
        )
    if volume.availability_zone != instance.placement.zone:
        raise RefusedError(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance "
            f"'{instance.id}'",
        )


def _require_detachable(backend: EC2Backend, given: dict[str, Any]) -> None:
    """InstanceId need not be given; moto needs it."""
    volume = backend.get_volume(given["VolumeId"])
    attachment = volume.attachment
    if attachment is None:
        raise RefusedError("IncorrectState", f"Volume '{volume.id}' is in the 'available' state.")
    instance = attachment.instance
    if given.setdefault("InstanceId", instance.id) != instance.id:
        raise RefusedError(
            "InvalidAttachment.NotFound",
            f"The volume '{volume.id}' is not attached to instance '{given['InstanceId']}'.",
        )
    if attachment.device == instance.root_device_name and instance.state != "stopped":
        raise RefusedError(
            "OperationNotPermitted",
            f"Unable to detach root volume '{volume.id}' from instance '{instance.id}'",
        )

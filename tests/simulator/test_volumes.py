"""Volumes, snapshots and instance profiles over a real socket."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulator.aws import (
    DEADLINE,
    PRODUCTION,
    assume,
    describe,
    make_client,
    wait_for_state,
)


@pytest.fixture
def volume_id(ec2: Any, instance_id: str) -> str:
    """A volume in the zone of the test's instance."""
    zone = describe(ec2, instance_id)["Placement"]["AvailabilityZone"]
    made: str = ec2.create_volume(AvailabilityZone=zone, Size=8)["VolumeId"]
    return made


@pytest.fixture
def profiles(endpoint: str) -> list[str]:
    """Names of two instance profiles."""
    iam = make_client(endpoint, "iam", assume(endpoint, PRODUCTION))
    names = ["Reader", "Writer"]
    there = {
        each["InstanceProfileName"] for each in iam.list_instance_profiles()["InstanceProfiles"]
    }
    for name in set(names) - there:
        iam.create_instance_profile(InstanceProfileName=name)
    return names


def root_volume(ec2: Any, instance_id: str) -> str:
    found: str = describe(ec2, instance_id)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    return found


def state(ec2: Any, volume_id: str) -> str:
    found: str = ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]["State"]
    return found


def test_a_volume_is_attached_and_detached(ec2: Any, instance_id: str, volume_id: str) -> None:
    ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdf")
    assert state(ec2, volume_id) == "in-use"
    ec2.detach_volume(VolumeId=volume_id)  # the instance is known
    assert state(ec2, volume_id) == "available"
    with pytest.raises(ClientError, match="IncorrectState"):
        ec2.detach_volume(VolumeId=volume_id)


def test_what_cannot_be_attached_is_refused(ec2: Any, instance_id: str, volume_id: str) -> None:
    ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdf")
    with pytest.raises(ClientError, match="already attached"):
        ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device="/dev/sdg")
    zone = describe(ec2, instance_id)["Placement"]["AvailabilityZone"]
    second = ec2.create_volume(AvailabilityZone=zone, Size=8)["VolumeId"]
    with pytest.raises(ClientError, match="already in use"):
        ec2.attach_volume(VolumeId=second, InstanceId=instance_id, Device="/dev/sdf")
    far = ec2.create_volume(
        AvailabilityZone="eu-west-1c" if zone != "eu-west-1c" else "eu-west-1b", Size=8
    )
    with pytest.raises(ClientError, match="ZoneMismatch"):
        ec2.attach_volume(VolumeId=far["VolumeId"], InstanceId=instance_id, Device="/dev/sdh")


def test_a_root_volume_comes_off_a_stopped_instance_only(ec2: Any, instance_id: str) -> None:
    root = root_volume(ec2, instance_id)
    with pytest.raises(ClientError, match="Unable to detach root volume"):
        ec2.detach_volume(VolumeId=root)
    ec2.stop_instances(InstanceIds=[instance_id])
    wait_for_state(ec2, instance_id, "stopped")
    ec2.detach_volume(VolumeId=root)
    assert state(ec2, root) == "available"


def test_a_token_makes_one_volume(ec2: Any) -> None:
    request = {"AvailabilityZone": "eu-west-1a", "Size": 8, "ClientToken": "one-volume"}
    first = ec2.create_volume(**request)["VolumeId"]
    assert ec2.create_volume(**request)["VolumeId"] == first


def test_a_snapshot_is_pending_first(frozen: str) -> None:
    ec2 = make_client(frozen, "ec2", assume(frozen, PRODUCTION))
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=8)["VolumeId"]
    made = ec2.create_snapshot(VolumeId=volume)
    assert made["State"] == "pending"
    with pytest.raises(ClientError, match="is not 'completed'"):
        ec2.create_volume(AvailabilityZone="eu-west-1a", SnapshotId=made["SnapshotId"])


def test_a_snapshot_completes_and_makes_volumes(ec2: Any, volume_id: str) -> None:
    snapshot = ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    deadline, found = time.monotonic() + DEADLINE, "pending"
    while found == "pending" and time.monotonic() < deadline:
        found = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["State"]
    assert found == "completed"
    made = ec2.create_volume(AvailabilityZone="eu-west-1a", SnapshotId=snapshot)
    assert (made["SnapshotId"], made["Size"]) == (snapshot, 8)


def test_the_type_of_a_running_instance_stays(ec2: Any, instance_id: str) -> None:
    change = {"InstanceId": instance_id, "InstanceType": {"Value": "m5.large"}}
    with pytest.raises(ClientError, match="is not in the 'stopped' state"):
        ec2.modify_instance_attribute(**change)
    ec2.stop_instances(InstanceIds=[instance_id])
    wait_for_state(ec2, instance_id, "stopped")
    ec2.modify_instance_attribute(**change)
    assert describe(ec2, instance_id)["InstanceType"] == "m5.large"


def test_instance_profiles_come_change_and_go(
    ec2: Any, instance_id: str, profiles: list[str]
) -> None:
    def shown() -> str:
        arn: str = describe(ec2, instance_id).get("IamInstanceProfile", {}).get("Arn", "")
        return arn.rpartition("/")[2]

    first, second = ({"Name": name} for name in profiles)
    made = ec2.associate_iam_instance_profile(InstanceId=instance_id, IamInstanceProfile=first)
    association = made["IamInstanceProfileAssociation"]["AssociationId"]
    assert shown() == "Reader"
    with pytest.raises(ClientError, match="existing association"):
        ec2.associate_iam_instance_profile(InstanceId=instance_id, IamInstanceProfile=second)
    ec2.replace_iam_instance_profile_association(
        AssociationId=association, IamInstanceProfile=second
    )
    assert shown() == "Writer"
    ec2.disassociate_iam_instance_profile(AssociationId=association)
    filters = [{"Name": "instance-id", "Values": [instance_id]}]
    left = ec2.describe_iam_instance_profile_associations(Filters=filters)
    assert (shown(), left["IamInstanceProfileAssociations"]) == ("", [])

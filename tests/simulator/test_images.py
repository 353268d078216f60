"""AMIs and snapshots over a real socket: pending first, with unique names, and held."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from console.simulator import client
from tests.simulator.aws import DEADLINE, PRODUCTION, assume, find_instance, make_client


@pytest.fixture
def elsewhere(endpoint: str) -> Any:
    return make_client(endpoint, "ec2", assume(endpoint, PRODUCTION), region_name="us-east-1")


@pytest.fixture
def frozen_ec2(frozen: str) -> Any:
    return make_client(frozen, "ec2", assume(frozen, PRODUCTION))


def wait(ec2: Any, image_id: str) -> dict[str, Any]:
    """Ask until the image is available."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        image: dict[str, Any] = ec2.describe_images(ImageIds=[image_id])["Images"][0]
        if image["State"] == "available":
            return image
    raise AssertionError(f"{image_id} is {image['State']} for ever")


def snapshot_of(image: dict[str, Any]) -> str:
    found: str = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    return found


def test_an_image_is_pending_first_and_so_is_its_snapshot(frozen_ec2: Any) -> None:
    instance = find_instance(frozen_ec2, "web-2")["InstanceId"]
    made = frozen_ec2.create_image(InstanceId=instance, Name="slow", NoReboot=True)["ImageId"]
    image = frozen_ec2.describe_images(ImageIds=[made])["Images"][0]
    assert image["State"] == "pending"
    snapshots = frozen_ec2.describe_snapshots(SnapshotIds=[snapshot_of(image)])["Snapshots"]
    assert (snapshots[0]["State"], snapshots[0]["Progress"]) == ("pending", "42%")
    with pytest.raises(ClientError, match="is not available: it is pending"):
        frozen_ec2.run_instances(ImageId=made, MinCount=1, MaxCount=1)
    with pytest.raises(ClientError, match="is pending, not available"):
        frozen_ec2.copy_image(SourceImageId=made, SourceRegion="eu-west-1", Name="early")


def test_an_image_becomes_available_with_its_source(ec2: Any, instance_id: str) -> None:
    tags = [
        {"ResourceType": kind, "Tags": [{"Key": "for", "Value": kind}]}
        for kind in ("image", "snapshot")
    ]
    made = ec2.create_image(InstanceId=instance_id, Name="whole", TagSpecifications=tags)["ImageId"]
    image = wait(ec2, made)
    assert image["SourceInstanceId"] == instance_id
    assert image["Tags"] == [{"Key": "for", "Value": "image"}]
    snapshot = ec2.describe_snapshots(SnapshotIds=[snapshot_of(image)])["Snapshots"][0]
    assert (snapshot["State"], snapshot["Progress"]) == ("completed", "100%")
    assert snapshot["Tags"] == [{"Key": "for", "Value": "snapshot"}]
    launched = ec2.run_instances(ImageId=made, MinCount=1, MaxCount=1)["Instances"]
    assert launched[0]["ImageId"] == made


@pytest.mark.parametrize("no_reboot", [True, False])
def test_only_no_reboot_leaves_the_instance_alone(
    ec2: Any, instance_id: str, endpoint: str, no_reboot: bool
) -> None:
    name = f"reboot-{no_reboot}-{instance_id}"
    made = ec2.create_image(InstanceId=instance_id, Name=name, NoReboot=no_reboot)["ImageId"]
    call = client.calls(endpoint, operation="CreateImage")[-1]
    assert call["effective"] == ([made] if no_reboot else [instance_id, made])


def test_names_are_unique(ec2: Any, instance_id: str) -> None:
    ec2.create_image(InstanceId=instance_id, Name="unique", NoReboot=True)
    with pytest.raises(ClientError, match=r"InvalidAMIName\.Duplicate"):
        ec2.create_image(InstanceId=instance_id, Name="unique", NoReboot=True)


def test_nothing_is_made_of_an_instance_that_is_gone(ec2: Any, instance_id: str) -> None:
    ec2.terminate_instances(InstanceIds=[instance_id])
    with pytest.raises(ClientError, match="IncorrectState"):
        ec2.create_image(InstanceId=instance_id, Name="of nothing")


def test_a_copy_comes_from_the_other_region_once_for_a_token(
    ec2: Any, elsewhere: Any, instance_id: str
) -> None:
    source = ec2.create_image(InstanceId=instance_id, Name="original", NoReboot=True)["ImageId"]
    wait(ec2, source)
    request = {
        "SourceRegion": "eu-west-1",
        "SourceImageId": source,
        "Name": "copy",
        "Encrypted": True,
        "ClientToken": "copy-it",
    }
    copied = elsewhere.copy_image(**request)["ImageId"]
    assert elsewhere.copy_image(**request)["ImageId"] == copied
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        elsewhere.copy_image(**{**request, "Name": "other"})
    image = wait(elsewhere, copied)
    assert (image["SourceImageId"], image["SourceImageRegion"]) == (source, "eu-west-1")
    snapshot = elsewhere.describe_snapshots(SnapshotIds=[snapshot_of(image)])["Snapshots"][0]
    assert snapshot["Encrypted"] is True


def test_an_image_holds_its_snapshot(ec2: Any, instance_id: str) -> None:
    made = ec2.create_image(InstanceId=instance_id, Name="holding", NoReboot=True)["ImageId"]
    snapshot = snapshot_of(wait(ec2, made))
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.InUse"):
        ec2.delete_snapshot(SnapshotId=snapshot)
    ec2.deregister_image(ImageId=made)
    ec2.delete_snapshot(SnapshotId=snapshot)
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.NotFound"):
        ec2.describe_snapshots(SnapshotIds=[snapshot])

"""The runbooks that make, copy and delete images and snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from tests.library.running import REGION, Library

pytestmark = pytest.mark.stack


def test_image_is_made_and_deleted(library: Library) -> None:
    instance = library.launch()
    made = library.run("AWS-CreateImage", InstanceId=instance, NoReboot="true")
    assert (made.status, made.steps) == ("Success", {"createImage": "Success"})
    image = made.output("createImage", "ImageId")
    (found,) = images(library, image)
    assert (found["Name"], found["State"]) == (f"{instance}_{made.id}", "available")
    kept = [one["Ebs"]["SnapshotId"] for one in found["BlockDeviceMappings"]]
    assert kept
    gone = library.run("AWS-DeleteImage", ImageId=image)
    assert (gone.status, gone.steps) == ("Success", {"deleteImage": "Success"})
    assert images(library, image) == []
    left = library.aws("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert not {one["SnapshotId"] for one in left} & set(kept)


def test_image_of_nothing(library: Library) -> None:
    run = library.run("AWS-CreateImage", InstanceId="i-0123456789abcdef0")
    assert (run.status, run.steps) == ("Failed", {"createImage": "Failed"})
    run = library.run("AWS-DeleteImage", ImageId="ami-0123456789abcdef0")
    assert (run.status, run.steps) == ("Failed", {"deleteImage": "Failed"})
    assert "ami-0123456789abcdef0" in run.why


def test_snapshot_is_made_and_copied(library: Library) -> None:
    volume = library.root_volume(library.launch())
    made = library.run("AWS-CreateSnapshot", VolumeId=volume, Description="before the release")
    assert made.status == "Success", made
    assert list(made.steps) == ["createSnapshot", "verifySnapshotCompletion"]
    (snapshot,) = made.outputs["createSnapshot.Payload"]
    found = snapshots(library, snapshot)
    assert (found["VolumeId"], found["State"]) == (volume, "completed")
    assert found["Description"] == "before the release"
    copied = library.run(
        "AWS-CopySnapshot", SnapshotId=snapshot, SourceRegion=REGION, Description="the copy"
    )
    assert (copied.status, copied.steps) == ("Success", {"copySnapshot": "Success"})
    (copy,) = copied.outputs["copySnapshot.SnapshotId"]
    assert copy != snapshot
    assert snapshots(library, copy)["Description"] == "the copy"


def test_snapshot_of_nothing(library: Library) -> None:
    run = library.run("AWS-CreateSnapshot", VolumeId="vol-0123456789abcdef0")
    assert (run.status, run.steps) == ("Failed", {"createSnapshot": "Failed"})
    (placeholder,) = run.outputs["createSnapshot.Payload"]
    assert placeholder.startswith("No output available yet")
    run = library.run("AWS-CopySnapshot", SnapshotId="snap-0123456789abcdef0", SourceRegion=REGION)
    assert (run.status, run.steps) == ("Failed", {"copySnapshot": "Failed"})


def images(library: Library, image: str) -> list[dict[str, Any]]:
    filters = [{"Name": "image-id", "Values": [image]}]
    found: list[dict[str, Any]] = library.aws("ec2").describe_images(Filters=filters)["Images"]
    return found


def snapshots(library: Library, snapshot: str) -> dict[str, Any]:
    answer = library.aws("ec2").describe_snapshots(SnapshotIds=[snapshot])
    found: dict[str, Any] = answer["Snapshots"][0]
    return found

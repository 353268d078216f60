"""Disks are those of volumes: they move, are kept by snapshots, and come back from them."""

from __future__ import annotations

from typing import Any

from tests.simulator.aws import describe, wait_for_state
from tests.simulator.shells import Shells, wait_until
from tests.simulator.test_commands_images import read, root_volume


def find_linux(ec2: Any) -> str:
    """An AMI of Amazon Linux."""
    filters = [{"Name": "name", "Values": ["al2023-ami-2023*x86_64"]}]
    return str(ec2.describe_images(Filters=filters)["Images"][0]["ImageId"])


def launch_two(ec2: Any, shells: Shells) -> tuple[str, str]:
    """Two instances in one zone."""
    image = find_linux(ec2)
    found = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2)["Instances"]
    first, second = (shells.wait_online(one["InstanceId"]) for one in found)
    return first, second


def stop(ec2: Any, instance: str) -> None:
    ec2.stop_instances(InstanceIds=[instance])
    wait_for_state(ec2, instance, "stopped")


def start(ec2: Any, shells: Shells, instance: str) -> None:
    ec2.start_instances(InstanceIds=[instance])
    wait_for_state(ec2, instance, "running")
    shells.wait_online(instance)


def snapshot(ec2: Any, volume: str) -> str:
    """A completed one."""
    made = str(ec2.create_snapshot(VolumeId=volume)["SnapshotId"])

    def is_complete() -> bool:
        found = ec2.describe_snapshots(SnapshotIds=[made])["Snapshots"]
        return bool(found[0]["State"] == "completed")

    wait_until(is_complete, f"{made} is complete")
    return made


def test_root_volume_is_where_the_image_has_it(ec2: Any, machine: str) -> None:
    found = describe(ec2, machine)
    (device,) = found["BlockDeviceMappings"]
    assert device["DeviceName"] == found["RootDeviceName"]
    (volume,) = ec2.describe_volumes(VolumeIds=[device["Ebs"]["VolumeId"]])["Volumes"]
    assert volume["Attachments"][0]["DeleteOnTermination"] is True


def test_instance_with_other_devices_has_a_root_volume_too(ec2: Any) -> None:
    image = find_linux(ec2)
    extra = {"DeviceName": "/dev/sdh", "Ebs": {"VolumeSize": 1}}
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, BlockDeviceMappings=[extra])
    found = describe(ec2, made["Instances"][0]["InstanceId"])
    names = {one["DeviceName"] for one in found["BlockDeviceMappings"]}
    assert names == {"/dev/sdh", found["RootDeviceName"]}


def test_volume_takes_its_disk_along(ec2: Any, shells: Shells) -> None:
    owner, helper = launch_two(ec2, shells)
    shells.run(owner, "echo mine >/etc/mark")
    device, volume = describe(ec2, owner)["RootDeviceName"], root_volume(ec2, owner)
    stop(ec2, owner)
    ec2.detach_volume(VolumeId=volume, InstanceId=owner)
    assert shells.run(helper, "mount /dev/xvdf1 /mnt")["Status"] == "Failed"
    ec2.attach_volume(VolumeId=volume, InstanceId=helper, Device="/dev/sdf")
    mounted = "mkdir /mnt; mount /dev/xvdf1 /mnt && cat /mnt/etc/mark; echo repaired >/mnt/etc/mark"
    done = shells.run(helper, mounted, "umount /mnt; ls -A /mnt")
    assert (done["Status"], done["StandardOutputContent"]) == ("Success", "mine\n")
    ec2.detach_volume(VolumeId=volume, InstanceId=helper)
    ec2.attach_volume(VolumeId=volume, InstanceId=owner, Device=device)
    start(ec2, shells, owner)
    assert read(shells, owner, "/etc/mark") == "repaired\n"


def test_volume_of_a_snapshot_is_as_it_was(ec2: Any, shells: Shells, machine: str) -> None:
    shells.run(machine, "echo before >/etc/mark")
    old, device = root_volume(ec2, machine), describe(ec2, machine)["RootDeviceName"]
    kept = snapshot(ec2, old)
    shells.run(machine, "echo after >/etc/mark")
    zone = describe(ec2, machine)["Placement"]["AvailabilityZone"]
    new = ec2.create_volume(SnapshotId=kept, AvailabilityZone=zone)["VolumeId"]
    stop(ec2, machine)
    ec2.detach_volume(VolumeId=old, InstanceId=machine)
    ec2.attach_volume(VolumeId=new, InstanceId=machine, Device=device)
    start(ec2, shells, machine)
    assert read(shells, machine, "/etc/mark") == "before\n"


def test_instance_without_its_root_volume_cannot_start_anything(
    ec2: Any, shells: Shells, machine: str
) -> None:
    stop(ec2, machine)
    ec2.detach_volume(VolumeId=root_volume(ec2, machine), InstanceId=machine)
    start(ec2, shells, machine)
    answer = shells.run(machine, "true")
    assert answer["Status"] == "Failed"
    assert "has no root volume" in answer["StandardErrorContent"]


def test_patch_states_are_those_of_the_last_run(shells: Shells, machine: str) -> None:
    patch = {"DocumentName": "AWS-RunPatchBaseline"}
    ssm = shells.ssm
    assert ssm.describe_instance_patch_states(InstanceIds=[machine])["InstancePatchStates"] == []
    shells.run(machine, "mkdir -p /etc/dnf; echo excludepkgs=kernel,bash >/etc/dnf/dnf.conf")
    for operation in ("Scan", "Install"):
        command = ssm.send_command(
            InstanceIds=[machine],
            Parameters={"Operation": [operation], "RebootOption": ["NoReboot"]},
            **patch,
        )
        shells.wait(command["Command"]["CommandId"], machine)
    (state,) = ssm.describe_instance_patch_states(InstanceIds=[machine])["InstancePatchStates"]
    assert (state["Operation"], state["InstalledCount"]) == ("Install", 6)
    assert (state["MissingCount"], state["FailedCount"]) == (2, 0)

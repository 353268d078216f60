"""Disks: what stays on an instance, what an image takes along, what is removed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tests.simulator.aws import describe, wait_for_state
from tests.simulator.shells import Shells, wait_until

DISKS = Path(tempfile.gettempdir()) / f"countersign-instances-{os.geteuid()}"


def launch(ec2: Any, shells: Shells, image_id: str) -> str:
    answer = ec2.run_instances(ImageId=image_id, MinCount=1, MaxCount=1)
    return shells.wait_online(answer["Instances"][0]["InstanceId"])


def make_image(ec2: Any, instance_id: str, name: str) -> str:
    image_id = ec2.create_image(InstanceId=instance_id, Name=name, NoReboot=True)["ImageId"]
    return wait_available(ec2, image_id)


def wait_available(ec2: Any, image_id: str) -> str:
    def is_available() -> bool:
        image = ec2.describe_images(ImageIds=[image_id])["Images"][0]
        return bool(image["State"] == "available")

    wait_until(is_available, f"{image_id} is available")
    return image_id


def read(shells: Shells, instance_id: str, path: str) -> str:
    return str(shells.run(instance_id, f"cat {path}")["StandardOutputContent"])


def root_volume(ec2: Any, instance_id: str) -> str:
    """Its id; the disk is that of the volume."""
    devices = describe(ec2, instance_id)["BlockDeviceMappings"]
    return str(devices[0]["Ebs"]["VolumeId"])


def folders(volume_id: str) -> list[Path]:
    return list(DISKS.glob(f"account-*/{volume_id}"))


def test_a_disk_survives_stop_and_start(shells: Shells, ec2: Any, machine: str) -> None:
    shells.run(machine, "echo here > /srv/kept")
    ec2.stop_instances(InstanceIds=[machine])
    wait_for_state(ec2, machine, "stopped")
    ec2.start_instances(InstanceIds=[machine])
    assert read(shells, shells.wait_online(machine), "/srv/kept") == "here\n"


def test_an_image_has_what_was_on_the_disk(shells: Shells, ec2: Any, machine: str) -> None:
    shells.run(machine, "yum -y install nginx", "echo 1 > /usr/local/lib/one", "ln -s /etc /link")
    image_id = make_image(ec2, machine, "golden")
    shells.run(machine, "echo after > /after")
    copy = launch(ec2, shells, image_id)
    assert "nginx 1.1" in read(shells, copy, "/var/lib/packages/installed")
    assert read(shells, copy, "/usr/local/lib/one /after") == "1\n"
    assert shells.run(copy, "readlink /link")["StandardOutputContent"] == "/etc\n"
    shells.run(copy, "rm /usr/local/lib/one")
    assert read(shells, machine, "/usr/local/lib/one") == "1\n"


def test_an_image_of_an_image(shells: Shells, ec2: Any, machine: str) -> None:
    shells.run(machine, "echo deep > /deep")
    first = launch(ec2, shells, make_image(ec2, machine, "first"))
    untouched = make_image(ec2, first, "second")  # no command has run there
    copied = ec2.copy_image(SourceImageId=untouched, SourceRegion="eu-west-1", Name="third")
    ec2.deregister_image(ImageId=untouched)
    third = launch(ec2, shells, wait_available(ec2, copied["ImageId"]))
    assert read(shells, third, "/deep") == "deep\n"


def test_a_disk_goes_with_its_instance(shells: Shells, ec2: Any, machine: str) -> None:
    shells.run(machine, "touch /x", "mkdir -p $(printf 'd/%.0s' $(seq 1 1500))")
    volume = root_volume(ec2, machine)
    assert len(folders(volume)) == 1
    ec2.terminate_instances(InstanceIds=[machine])
    wait_for_state(ec2, machine, "terminated")
    assert folders(volume) == []


def test_a_full_disk_ends_the_command(shells: Shells, machine: str) -> None:
    fill = "for i in $(seq 1 10); do head -c 30M /dev/zero > /f$i; done; sleep 60"
    answer = shells.run(machine, fill)
    assert answer["Status"] == "Failed"
    assert "holds 256 MiB, and is full" in answer["StandardErrorContent"]


def test_links_lead_nowhere_outside(shells: Shells, ec2: Any, machine: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the host's", encoding="utf-8")
    secret.chmod(0o644)
    shells.run(machine, f"ln -s {secret} /secret", "rm -rf /opt", f"ln -s {tmp_path} /opt")
    copy = launch(ec2, shells, make_image(ec2, machine, "links"))
    for each in (machine, copy):
        assert shells.run(each, "cat /secret")["Status"] == "Failed"
        assert shells.run(each, "ls /opt/secret")["Status"] == "Failed"
    assert secret.read_text(encoding="utf-8") == "the host's"

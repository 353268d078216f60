"""What is on volumes, images and snapshots: a disk for each, made when it is needed first."""

from __future__ import annotations

import functools
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.elastic_block_store import EBSBackend, Snapshot, Volume
from moto.ec2.models.instances import Instance

from console.simulator.instances import programs, shell
from console.simulator.instances.disks import Disk, Home
from executions.sandbox import Unavailable

log = logging.getLogger(__name__)


class Storage:
    """The disks of all accounts. A root volume that goes to another instance takes its disk along.

    What is kept for an image or a snapshot never changes, so several may share it.
    """

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._home: Home | None = None
        self._tree = Path()
        self._volumes: dict[str, tuple[Volume, Disk]] = {}
        self._kept: dict[str, Disk] = {}  # of images and snapshots
        self._busy: Counter[str] = Counter()

    def install(self) -> None:
        """Have images and snapshots made and copied with what is on the disks, once per process."""
        create_image, copy_image = AmiBackend.create_image, AmiBackend.copy_image
        create_snapshot, copy_snapshot = EBSBackend.create_snapshot, EBSBackend.copy_snapshot

        @functools.wraps(create_image)
        def make_image(backend: Any, instance_id: str, *given: Any, **named: Any) -> Ami:
            image = create_image(backend, instance_id, *given, **named)
            instance = backend.get_instance(instance_id)
            self._keep(image.id, find_root(instance), instance.image_id)
            return image

        @functools.wraps(copy_image)
        def repeat_image(backend: Any, source_image_id: str, *given: Any, **named: Any) -> Ami:
            image = copy_image(backend, source_image_id, *given, **named)
            self._share(image.id, source_image_id)
            return image

        @functools.wraps(create_snapshot)
        def make_snapshot(backend: Any, *given: Any, **named: Any) -> Snapshot:
            snapshot = create_snapshot(backend, *given, **named)
            if snapshot.from_ami is None:  # else the image keeps it
                self._keep(snapshot.id, snapshot.volume, find_image(snapshot.volume))
            return snapshot

        @functools.wraps(copy_snapshot)
        def repeat_snapshot(
            backend: Any, source_snapshot_id: str, *given: Any, **named: Any
        ) -> Snapshot:
            snapshot = copy_snapshot(backend, source_snapshot_id, *given, **named)
            self._share(snapshot.id, source_snapshot_id)
            return snapshot

        for of_images in (make_image, repeat_image):
            setattr(AmiBackend, of_images.__name__, of_images)
        for of_snapshots in (make_snapshot, repeat_snapshot):
            setattr(EBSBackend, of_snapshots.__name__, of_snapshots)

    @contextmanager
    def open(self, instance: Instance, name: str) -> Iterator[shell.Machine]:
        """The instance as a machine with its disks, which stay until it is closed again.

        Unavailable if it can have none.
        """
        bwrap = shell.find_bubblewrap()
        with self._making:
            root = find_root(instance)
            if root is None:
                raise Unavailable(f"{instance.id} has no root volume.")
            home = self._open_home()
            disk = self._find_disk(root, instance.image_id)
            others = {
                device: self._find_disk(volume, find_image(volume))
                for device, volume in _find_others(instance, root)
                if volume.id in self._volumes or find_image(volume)
            }
            self._busy[root.id] += 1
        try:
            yield shell.Machine(bwrap, self._tree, disk, home.user, name, others)
        finally:
            with self._making:
                self._busy[root.id] -= 1

    def sweep(self) -> None:
        """Remove the disks of volumes that are gone, unless something runs there yet."""
        gone = [
            (volume, disk)
            for volume, disk in list(self._volumes.values())
            if volume.id not in volume.ec2_backend.volumes
        ]
        if gone and self._making.acquire(blocking=False):  # else the next call will
            try:
                for volume, disk in gone:
                    if not self._busy[volume.id]:
                        del self._volumes[volume.id]
                        disk.remove()
            finally:
                self._making.release()

    def _keep(self, name: str, volume: Volume | None, image_id: str) -> None:
        """Keep what is on a volume now, under the name of an image or a snapshot."""
        with self._making:
            found = self._volumes.get(volume.id) if volume else None
            if found is None:  # nothing has run there: it is as it was made
                source = self._find_source(volume, image_id)
                if source is not None:
                    self._kept[name] = source
                return
            try:
                self._kept[name] = self._copy(name, found[1])
            except Unavailable as reason:
                log.warning("%s has no copy of %s: %s", name, found[0].id, reason)

    def _share(self, name: str, source: str) -> None:
        with self._making:
            if source in self._kept:
                self._kept[name] = self._kept[source]

    def _find_source(self, volume: Volume | None, image_id: str) -> Disk | None:
        """What a volume was made of: a snapshot, or else an image."""
        snapshot_id = str(volume.snapshot_id) if volume else ""
        return self._kept.get(snapshot_id) or self._kept.get(image_id)

    def _find_disk(self, volume: Volume, image_id: str) -> Disk:
        if volume.id not in self._volumes:
            try:
                source = self._find_source(volume, image_id)
                home = self._open_home()
                disk = self._copy(volume.id, source) if source else home.make(volume.id)
            except OSError as error:
                raise Unavailable(f"{volume.id} cannot have a disk: {error}") from error
            self._volumes[volume.id] = (volume, disk)
        return self._volumes[volume.id][1]

    def _open_home(self) -> Home:
        if self._home is None:
            self._home = Home()
            self._tree = programs.prepare(self._home.shared)
        return self._home

    def _copy(self, name: str, source: Disk) -> Disk:
        home = self._open_home()
        if source.is_full():
            raise Unavailable(shell.NO_DISK)
        disk = home.make_empty(name)
        machine = shell.Machine(shell.find_bubblewrap(), self._tree, disk, home.user)
        try:
            shell.copy(machine, source)
        except Unavailable:
            disk.remove()
            raise
        return disk


def find_root(instance: Instance) -> Volume | None:
    """The instance's root volume, or its first, or None if it has been taken away."""
    devices = instance.block_device_mapping
    name = instance.root_device_name
    block = devices.get(name) or next(iter(devices.values()), None)
    return instance.ec2_backend.volumes.get(block.volume_id) if block else None


def find_image(volume: Volume) -> str:
    """The image that a root volume was made of, "" for other volumes."""
    return str(getattr(volume, "image_id", ""))


def _find_others(instance: Instance, root: Volume) -> Iterator[tuple[str, Volume]]:
    """Device and volume of what is attached besides the root volume."""
    for device, block in instance.get_block_device_mapping:
        volume = instance.ec2_backend.volumes.get(block.volume_id)
        if volume is not None and volume is not root:
            yield device, volume

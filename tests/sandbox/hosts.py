"""What can be seen on the host of scripts that run, or should run no longer."""

from __future__ import annotations

from pathlib import Path


def find_processes(marker: str) -> list[int]:
    """Processes with this text in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue  # it has just ended
        if marker.encode() in text:
            found.append(int(path.parent.name))
    return found

"""Builds the editor: CodeMirror from npm, by esbuild, into one module with its licences."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent / "editor"  # entry.js, package.json and its lock
FOLDER = "codemirror"
INSTALL = "npm ci --ignore-scripts --no-audit --no-fund --silent"
BUILD = (
    "node_modules/.bin/esbuild entry.js --bundle --minify --format=esm --target=es2022 "
    "--legal-comments=none --metafile=meta.json --outfile=codemirror.min.js"
)


class BundleError(Exception):
    """The bundle is not what the lock says; nothing was written."""


def build_editor(scratch: Path) -> dict[str, bytes]:
    """The bundle, and the licences of what is in it. npm checks the integrity of each package."""
    folder = scratch / "editor"
    shutil.copytree(SOURCE, folder)
    for command in (INSTALL, BUILD):
        subprocess.run(command.split(), cwd=folder, check=True, stdout=sys.stderr)
    names = list_bundled(json.loads((folder / "meta.json").read_text()))
    if names != [package["name"] for package in read_lock()]:
        raise BundleError(f"The bundle is made of {names}, which is not what the lock lists.")
    texts = [f"{name}\n\n{_read_licence(folder, name)}" for name in names]
    return {
        "LICENSE": "\n----\n\n".join(texts).encode(),
        "codemirror.min.js": (folder / "codemirror.min.js").read_bytes(),
    }


def list_bundled(meta: dict[str, Any]) -> list[str]:
    """The npm packages of which esbuild took a file, by its metafile."""
    package = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/")
    return sorted({match[1] for path in meta["inputs"] if (match := package.match(path))})


def read_lock() -> list[dict[str, str]]:
    """The packages of the bundle as they are locked: all but esbuild, which only builds it."""
    lock = json.loads((SOURCE / "package-lock.json").read_text())["packages"]
    packages = [
        {
            "name": path.removeprefix("node_modules/"),
            "version": facts["version"],
            "licence": facts["license"],
            "integrity": facts["integrity"],
        }
        for path, facts in lock.items()
        if path and "esbuild" not in path
    ]
    return sorted(packages, key=lambda package: package["name"])


def _read_licence(folder: Path, name: str) -> str:
    return (folder / "node_modules" / name / "LICENSE").read_text().strip() + "\n"

"""Vendor the front end: npm packages -> static/vendor, each file with its hash in manifest.json."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import vendor_editor

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
SOURCE_MAP = re.compile(rb"\s*(?:/\*|//)[#@] ?sourceMappingURL=[^\n*]*(?:\*/)?\s*$")


class VendorError(Exception):
    """A package is not what this script expects; nothing was written."""


@dataclass(frozen=True, slots=True)
class Package:
    """An npm package at one version, and which of its files we keep (member -> our name)."""

    name: str
    version: str
    licence: str
    integrity: str
    folder: str
    files: tuple[tuple[str, str], ...] = ()
    icons: tuple[str, ...] = ()


ICONS = (
    "alert-octagon alert-triangle arrow-left arrow-right bolt check checks chevron-down "
    "chevron-right circle-check circle-dashed circle-minus clock-x cloud copy device-floppy "
    "door-exit file-text git-compare help-hexagon history home hourglass hourglass-empty "
    "info-circle key loader-2 lock logout moon pencil player-play player-stop plus refresh "
    "rubber-stamp search server share sitemap square-x sun tag trash user x"
)

PACKAGES = (
    Package(
        name="@tabler/core",
        version="1.6.1",
        licence="MIT",
        integrity="sha512-lgmR9gcxRp5JlLxcmRi9Rz85JrEvH6Bz71KnlcPVSa97wtwQNjgSs3g3fxwbAlulHyRMghhIV0"
        "4QUuW3pqDsIg==",
        folder="tabler",
        files=(("dist/css/tabler.min.css", "tabler.min.css"),),
    ),
    Package(
        name="@tabler/icons",
        version="3.52.0",
        licence="MIT",
        integrity="sha512-dldKlJNfO/gZnGLcIY0X2EFFKIMGwL/rEvTqglvBgAPFiwj9pZOCN5V3Sf0Gyjq6foX4VQmLdO"
        "msS4w5FdWKAw==",
        folder="icons",
        files=(("LICENSE", "LICENSE"),),
        icons=tuple(ICONS.split()),
    ),
    Package(
        name="htmx.org",
        version="2.0.11",
        licence="0BSD",
        integrity="sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgE"
        "LTNt636dtamA==",
        folder="htmx",
        files=(("dist/htmx.min.js", "htmx.min.js"), ("LICENSE", "LICENSE")),
    ),
    Package(
        name="@fontsource-variable/inter",
        version="5.3.0",
        licence="OFL-1.1",
        integrity="sha512-OupL48va4JNofb97w6NYeF9S7W/kHNKM0Er8Dem5nqi4jeOLrVJDoE8tZEpnMJmtkvNbB1EIPP"
        "wHcdkF6b1oUA==",
        folder="inter",
        files=(
            ("files/inter-latin-wght-normal.woff2", "latin.woff2"),
            ("files/inter-latin-ext-wght-normal.woff2", "latin-ext.woff2"),
            ("LICENSE", "LICENSE"),
        ),
    ),
    Package(
        name="@fontsource-variable/jetbrains-mono",
        version="5.3.0",
        licence="OFL-1.1",
        integrity="sha512-F32xpS2NsGYoQi2ADSkKTgpJj7ozajsGgDJ8woTnqjmIB+dxDIqImjl4pXZVEExu8UFZ2ndhmX"
        "18EBS/hdz3Lw==",
        folder="jetbrains-mono",
        files=(
            ("files/jetbrains-mono-latin-wght-normal.woff2", "latin.woff2"),
            ("LICENSE", "LICENSE"),
        ),
    ),
)


def fetch_tarball(package: Package, into: Path) -> bytes:
    """Let npm fetch the package; raise VendorError unless it has the pinned integrity."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(into)]
    subprocess.run([*command, f"{package.name}@{package.version}"], check=True, stdout=sys.stderr)
    stem = package.name.removeprefix("@").replace("/", "-")
    tarball = (into / f"{stem}-{package.version}.tgz").read_bytes()
    verify_tarball(package, tarball)
    return tarball


def verify_tarball(package: Package, tarball: bytes) -> None:
    digest = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if digest != package.integrity:
        raise VendorError(
            f"{package.name} {package.version} has integrity {digest}, not the pinned "
            f"{package.integrity}. Check what changed before pinning the new one."
        )


def extract_files(package: Package, tarball: bytes) -> dict[str, bytes]:
    """The package's kept files, by the name they get in its folder."""
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        kept = {ours: read_member(archive, member) for member, ours in package.files}
        if package.icons:
            svgs = {
                name: read_member(archive, f"icons/outline/{name}.svg") for name in package.icons
            }
            kept["sprite.svg"] = build_sprite(svgs)
    return kept


def read_member(archive: tarfile.TarFile, member: str) -> bytes:
    file = archive.extractfile(f"package/{member}")
    if file is None:
        raise VendorError(f"{member} in the package is not a file.")
    content = file.read()
    return strip_source_map(content) if member.endswith((".css", ".js")) else content


def strip_source_map(content: bytes) -> bytes:
    """Without its sourceMappingURL: the map is not vendored, and collectstatic insists on it."""
    return SOURCE_MAP.sub(b"\n", content)


def build_sprite(svgs: dict[str, bytes]) -> bytes:
    """One SVG with a <symbol> for each icon; colour and stroke come from the page's CSS."""
    symbols = [
        f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(read_paths(svg))}</symbol>'
        for name, svg in sorted(svgs.items())
    ]
    lines = ['<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>", ""]
    return "\n".join(lines).encode()


def read_paths(svg: bytes) -> list[str]:
    paths = re.findall(r"<path [^>]*/>", svg.decode())
    return [path for path in paths if 'stroke="none"' not in path]  # the empty 24 x 24 square


def describe_package(package: Package, files: Mapping[str, bytes]) -> dict[str, object]:
    hashes = {f"{package.folder}/{name}": hash_file(data) for name, data in sorted(files.items())}
    return {
        "name": package.name,
        "version": package.version,
        "licence": package.licence,
        "integrity": package.integrity,
        "files": hashes,
    }


def hash_file(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def describe_editor(files: Mapping[str, bytes]) -> dict[str, object]:
    """A bundle has no version and integrity of its own; the packages in it have."""
    folder = vendor_editor.FOLDER
    hashes = {f"{folder}/{name}": hash_file(data) for name, data in sorted(files.items())}
    return {"name": "CodeMirror", "files": hashes, "packages": vendor_editor.read_lock()}


def write_vendor(
    packages: Mapping[Package, Mapping[str, bytes]], editor: Mapping[str, bytes], into: Path
) -> None:
    """Replace the folder by exactly these files and their manifest."""
    shutil.rmtree(into, ignore_errors=True)
    folders = {package.folder: files for package, files in packages.items()}
    for folder, files in {**folders, vendor_editor.FOLDER: editor}.items():
        (into / folder).mkdir(parents=True)
        for name, content in files.items():
            (into / folder / name).write_bytes(content)
    manifest = [describe_package(package, files) for package, files in packages.items()]
    manifest.append(describe_editor(editor))
    (into / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        tarballs = {package: fetch_tarball(package, Path(scratch)) for package in PACKAGES}
        editor = vendor_editor.build_editor(Path(scratch))
    packages = {package: extract_files(package, tarball) for package, tarball in tarballs.items()}
    write_vendor(packages, editor, VENDOR)
    count = sum(len(files) for files in [*packages.values(), editor])
    print(f"{count} files are in {VENDOR}.")


if __name__ == "__main__":
    main()

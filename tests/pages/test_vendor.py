"""What is vendored is what npm published: each file has the hash of the manifest."""

from __future__ import annotations

import importlib
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

vendor = importlib.import_module("vendor")  # of scripts, which is a folder, not a package
editor = importlib.import_module("vendor_editor")
MANIFEST: list[dict[str, Any]] = json.loads((vendor.VENDOR / "manifest.json").read_text())
FILES = {name: digest for package in MANIFEST for name, digest in package["files"].items()}


@pytest.mark.parametrize("name", FILES)
def test_file_has_its_hash(name: str) -> None:
    assert vendor.hash_file((vendor.VENDOR / name).read_bytes()) == FILES[name]


def test_nothing_else_is_vendored() -> None:
    found = {path.relative_to(vendor.VENDOR).as_posix() for path in files_in(vendor.VENDOR)}
    assert found == {*FILES, "manifest.json"}


def test_manifest_is_of_the_pinned_packages() -> None:
    keys = ("name", "version", "licence", "integrity")
    pinned = [{key: getattr(package, key) for key in keys} for package in vendor.PACKAGES]
    assert [{key: package[key] for key in keys} for package in MANIFEST[:-1]] == pinned


def test_bundle_is_of_the_locked_packages() -> None:
    (bundle,) = [package for package in MANIFEST if "packages" in package]
    assert bundle["packages"] == editor.read_lock()
    assert all(each["integrity"].startswith("sha512-") for each in bundle["packages"])
    assert {each["licence"] for each in bundle["packages"]} == {"MIT"}
    licences = (vendor.VENDOR / "codemirror" / "LICENSE").read_text()
    assert all(f"{each['name']}\n\n" in licences for each in bundle["packages"])
    assert licences.count("Permission is hereby granted") == len(bundle["packages"])


def test_lock_pins_what_is_asked_for() -> None:
    asked = json.loads((editor.SOURCE / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"[0-9.]+", version) for version in asked.values())
    locked = {each["name"]: each["version"] for each in editor.read_lock()}
    assert {name: locked[name] for name in asked if name != "esbuild"} == {
        name: version for name, version in asked.items() if name != "esbuild"
    }
    assert "resolved" not in (editor.SOURCE / "package-lock.json").read_text()


def test_bundled_packages_are_read_from_the_metafile() -> None:
    meta: dict[str, Any] = {
        "inputs": {"entry.js": {}, "node_modules/@a/b/x.js": {}, "node_modules/c/y.js": {}}
    }
    assert editor.list_bundled(meta) == ["@a/b", "c"]


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith((".css", ".js"))])
def test_nothing_is_loaded_from_elsewhere(name: str) -> None:
    text = (vendor.VENDOR / name).read_text()
    assert "sourceMappingURL" not in text
    addresses = re.findall(r"(?:@import|\burl\()\s*[\"']?([^\"')]+)", text)
    assert [each for each in addresses if not each.startswith("data:")] == []


def test_tarball_that_differs_is_refused() -> None:
    with pytest.raises(vendor.VendorError, match="not the pinned sha512-"):
        vendor.verify_tarball(vendor.PACKAGES[0], b"something else")


@pytest.mark.parametrize(
    "comment", [b"/*# sourceMappingURL=a.css.map */", b"//# sourceMappingURL=a.js.map"]
)
def test_source_map_is_stripped(comment: bytes) -> None:
    assert vendor.strip_source_map(b"a{}\n" + comment + b"\n") == b"a{}\n"


def test_files_are_taken_under_our_names() -> None:
    package = vendor.Package(
        "p", "1", "MIT", "", "p", files=(("dist/a.min.css", "a.css"),), icons=("check",)
    )
    svg = b'<svg><path stroke="none" d="M0 0h24v24H0z" /><path d="M5 12l5 5" /></svg>'
    tarball = pack({"dist/a.min.css": b"a{}", "icons/outline/check.svg": svg})
    files = vendor.extract_files(package, tarball)
    assert files["a.css"] == b"a{}"
    symbol = b'<symbol id="check" viewBox="0 0 24 24"><path d="M5 12l5 5" /></symbol>'
    assert symbol in files["sprite.svg"]


def test_what_is_written_is_exactly_the_packages(tmp_path: Path) -> None:
    into = tmp_path / "vendor"
    (into / "old").mkdir(parents=True)
    (into / "old" / "file.js").write_text("left over")
    vendor.write_vendor({vendor.PACKAGES[0]: {"a.css": b"a{}"}}, {"b.js": b"b()"}, into)
    names = sorted(path.relative_to(into).as_posix() for path in files_in(into))
    assert names == ["codemirror/b.js", "manifest.json", "tabler/a.css"]
    package, bundle = json.loads((into / "manifest.json").read_text())
    assert package["files"] == {"tabler/a.css": vendor.hash_file(b"a{}")}
    assert bundle["files"] == {"codemirror/b.js": vendor.hash_file(b"b()")}


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def pack(files: dict[str, bytes]) -> bytes:
    """An npm tarball with these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()

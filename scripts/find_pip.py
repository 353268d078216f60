"""Finds a pip to begin with, on machines that have Python and not much else."""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import urllib.parse
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

HELP = """\
No pip was found, and none could be fetched. One of these mends it:
    apt-get install python3-pip        (Debian, Ubuntu; other systems name it alike)
    PIP_INDEX_URL=URL ./run            (the package index that this machine may use)
"""
# Later files win, as in pip.
CONFIGURATION = [
    "/etc/xdg/pip/pip.conf",
    "/etc/pip.conf",
    "~/.pip/pip.conf",
    "~/.config/pip/pip.conf",
]


def find_pip(lock: Path, scratch: Path) -> list[str] | None:
    """The command of a working pip, or None. `scratch` is a folder for what must be fetched."""
    # In a virtual environment the interpreter is a link to the one that it was made from.
    base = str(Path(sys.executable).resolve())
    for command in ([base, "-m", "pip"], ["pip3"], ["pip"], ["uv", "pip"]):
        if _answers([*command, "--help"]):
            return command
    wheel = _bundled_wheel() or _wheel_from_index(lock, scratch) or _wheel_from_apt(scratch)
    return [base, f"{wheel}/pip"] if wheel else None


def configured_index() -> str | None:
    """The package index that pip's variables or its configuration files name, if they do."""
    if url := os.environ.get("PIP_INDEX_URL"):
        return url
    config = configparser.ConfigParser(interpolation=None)
    home = Path(os.environ.get("XDG_CONFIG_HOME", "~/.config")).expanduser()
    files = [
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        "~/.pip/pip.conf",
        str(home / "pip/pip.conf"),
    ]
    config.read(
        Path(name).expanduser() for name in [*files, os.environ.get("PIP_CONFIG_FILE", "")] if name
    )
    return config.get(
        "install", "index-url", fallback=config.get("global", "index-url", fallback=None)
    )


def _answers(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _bundled_wheel() -> Path | None:
    """The wheel that Python's ensurepip, or the system's packages beside it, carry."""
    folders = [sysconfig.get_config_var("WHEEL_PKG_DIR"), "/usr/share/python-wheels"]
    spec = importlib.util.find_spec("ensurepip")
    if spec and spec.origin:
        folders.append(str(Path(spec.origin).parent / "_bundled"))
    wheels = (wheel for folder in folders if folder for wheel in Path(folder).glob("pip-*.whl"))
    return next(wheels, None)


def _wheel_from_index(lock: Path, scratch: Path) -> Path | None:
    """The locked pip from the configured index, read as PEP 503 describes it."""
    index = configured_index()
    if not index:
        return None
    text = lock.read_text(encoding="utf-8")
    version = re.search(r"^pip==(\S+)", text, re.MULTILINE)
    name = f"pip-{version[1]}-py3-none-any.whl" if version else ""
    page_url = index.rstrip("/") + "/pip/"
    try:
        page = _fetch(page_url).decode()
        link = re.search(rf'href="([^"]*{re.escape(name)}[^"]*)"', page)
        content = _fetch(urllib.parse.urljoin(page_url, link[1])) if link else b""
    except OSError as error:
        print(f"{page_url} cannot be read: {error}", file=sys.stderr)
        return None
    if f"sha256:{sha256(content).hexdigest()}" not in text:
        print(f"{page_url} has no {name} with the locked hash.", file=sys.stderr)
        return None
    wheel = scratch / name
    wheel.write_bytes(content)
    return wheel


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - the person's own index
        content: bytes = answer.read()
    return content


def _wheel_from_apt(scratch: Path) -> Path | None:
    """Debian's and Ubuntu's own pip wheel, unpacked and not installed: that needs no root."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    for folder in ("lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True)
    apt = ["apt-get", "-qq", *_apt_options(scratch)]
    try:
        subprocess.run([*apt, "update"], cwd=scratch, check=True)
        subprocess.run([*apt, "download", "python3-pip-whl"], cwd=scratch, check=True)
        for package in scratch.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(scratch)], check=True)
    except subprocess.CalledProcessError:
        return None  # apt-get has said why
    return next(scratch.glob("usr/share/python-wheels/pip-*.whl"), None)


def _apt_options(scratch: Path) -> Iterator[str]:
    """Lists and cache in our folder: the system's own belong to root and stay as they are."""
    for option in (
        f"Dir::State::lists={scratch}/lists",
        f"Dir::Cache={scratch}/cache",
        "APT::Sandbox::User=",
    ):
        yield from ("-o", option)

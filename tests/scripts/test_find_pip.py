"""The first pip on a bare machine: from the person's own index, and only with the locked hash."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import find_pip
import pytest

WHEEL = b"not really a wheel"
NAME = "pip-9.9-py3-none-any.whl"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package index as PEP 503 has it, named in PIP_INDEX_URL."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / NAME).write_bytes(WHEEL)
    (tmp_path / "simple" / "pip").mkdir(parents=True)
    page = f'<a href="../../files/{NAME}#sha256=0">{NAME}</a>'
    (tmp_path / "simple" / "pip" / "index.html").write_text(page, encoding="utf-8")
    handler = partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/simple/"
        monkeypatch.setenv("PIP_INDEX_URL", url)
        yield url
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python, and neither a pip, nor a bundled wheel, nor apt."""
    monkeypatch.setattr(find_pip, "_answers", lambda command: False)
    monkeypatch.setattr(find_pip, "_bundled_wheel", lambda: None)
    monkeypatch.setenv("PATH", "")


def lock(folder: Path, content: bytes) -> Path:
    path = folder / "pip.lock"
    path.write_text(f"pip==9.9 \\\n    --hash=sha256:{sha256(content).hexdigest()}\n", "utf-8")
    return path


@pytest.mark.usefixtures("bare_machine", "index")
def test_locked_wheel_is_taken_from_the_configured_index(tmp_path: Path) -> None:
    command = find_pip.find_pip(lock(tmp_path, WHEEL), tmp_path)
    assert command is not None
    assert command[1] == f"{tmp_path / NAME}/pip"
    assert (tmp_path / NAME).read_bytes() == WHEEL


@pytest.mark.usefixtures("bare_machine", "index")
def test_wheel_with_another_hash_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_pip.find_pip(lock(tmp_path, b"something else"), tmp_path) is None
    assert not (tmp_path / NAME).exists()
    assert f"has no {NAME} with the locked hash" in capsys.readouterr().err


@pytest.mark.usefixtures("bare_machine")
def test_index_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    assert find_pip.find_pip(lock(tmp_path, WHEEL), tmp_path) is None
    assert "simple/pip/ cannot be read" in capsys.readouterr().err


def test_index_is_read_from_pips_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "pip.conf"
    configuration.write_text("[global]\nindex-url = file:///mirror/%41\n", encoding="utf-8")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setattr(find_pip, "CONFIGURATION", [])
    assert find_pip.configured_index() is None
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    assert find_pip.configured_index() == "file:///mirror/%41"


def test_pip_of_this_machine_is_preferred() -> None:
    command = find_pip.find_pip(Path("unread.lock"), Path("unused"))
    assert command is not None
    assert command[-1] == "pip" or command[-1].endswith("/pip")

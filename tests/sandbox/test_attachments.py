"""Attachments beside a script: where they are found, and the archives that are refused."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from pathlib import Path

import pytest

from executions import sandbox
from executions.sandbox.inside import unpack
from tests.sandbox.conftest import Run

ENDED = sandbox.Ended
HELPER = "def main(events, context):\n    return {'got': events}\n"
Entry = tuple[str | zipfile.ZipInfo, bytes]


def pack(*entries: Entry) -> bytes:
    """An archive with these entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    """An entry whose name and mode are as given, whatever zipfile would make of them."""
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    return info


def encrypted() -> bytes:
    """An archive that says of its only file that it is encrypted."""
    data = bytearray(pack(("a.py", b"x = 1")))
    directory = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[directory + 8] |= 1
    return bytes(data)


def lying(size: int, told: int) -> bytes:
    """An archive whose directory says that a file of `size` zeros has `told` bytes."""
    data = pack(("a.bin", bytes(size)))
    wrong, right = told.to_bytes(4, "little"), size.to_bytes(4, "little")
    return data.replace(right, wrong)


def many(count: int) -> bytes:
    return pack(*((f"{number}.py", b"") for number in range(count)))


def test_a_module_is_called_by_its_name(run: Run) -> None:
    attachment = sandbox.Attachment("helper.py", HELPER.encode())
    result = run("", handler="helper.main", events={"a": 1}, attachment=attachment)
    assert (result.ended, result.payload) == (ENDED.RETURNED, {"got": {"a": 1}})


def test_an_archive_is_unpacked_with_its_folders(run: Run) -> None:
    data = pack(("lib/", b""), ("lib/deep/tool.py", b"WORD = 'deep'"),
                ("main.py", b"import lib.deep.tool as t\ndef go(e, c): return t.WORD"))  # fmt: skip
    result = run("", handler="main.go", attachment=sandbox.Attachment("code.zip", data))
    assert (result.ended, result.payload) == (ENDED.RETURNED, "deep")


def test_a_script_imports_from_its_attachment(run: Run) -> None:
    source = "import helper\ndef handler(events, context): return helper.main(1, context)"
    attachment = sandbox.Attachment("helper.py", HELPER.encode())
    assert run(source, attachment=attachment).payload == {"got": 1}


def test_files_of_an_archive_can_be_read(run: Run) -> None:
    data = pack(("templates/a.txt", b"text"))
    source = "def handler(events, context): return open('templates/a.txt').read()"
    assert run(source, attachment=sandbox.Attachment("t.zip", data)).payload == "text"


@pytest.mark.parametrize(
    ("handler", "told"),
    [("absent.main", "No module named 'absent'"), ("helper.absent", "helper defines no function")],
)
def test_a_handler_that_is_not_there_is_told(run: Run, handler: str, told: str) -> None:
    attachment = sandbox.Attachment("helper.py", HELPER.encode())
    result = run("", handler=handler, attachment=attachment)
    assert result.ended is ENDED.FAILED
    assert told in result.message


def test_a_traceback_names_the_attachments_own_lines(run: Run) -> None:
    attachment = sandbox.Attachment("helper.py", b"def main(e, c):\n    return e['absent']\n")
    message = run("", handler="helper.main", attachment=attachment).message
    assert 'helper.py", line 2, in main' in message
    assert message.rstrip().endswith("KeyError: 'absent'")


def test_a_bad_archive_fails_the_script_in_words(run: Run) -> None:
    result = run("", handler="a.b", attachment=sandbox.Attachment("code.zip", b"no archive"))
    assert result.ended is ENDED.FAILED
    assert result.message.startswith("The attachment code.zip is unusable. It is no zip archive")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no zip archive"),
        (pack((entry("/etc/passwd"), b"")), "no plain path"),
        (pack((entry("../up.py"), b"")), "no plain path"),
        (pack((entry("a/../../up.py"), b"")), "no plain path"),
        (pack((entry("..\\up.py"), b"")), "no plain path"),
        (pack((entry("C:up.py"), b"")), "no plain path"),
        (pack((entry("a.py", stat.S_IFLNK | 0o777), b"/etc/passwd")), "a link or a device"),
        (pack((entry("a.py", stat.S_IFIFO | 0o777), b"")), "a link or a device"),
        (pack((entry("a.py", stat.S_IFCHR | 0o777), b"")), "a link or a device"),
        (encrypted(), "is encrypted"),
        (many(unpack.MOST_ENTRIES + 1), "more than 1000"),
        (pack(("a.bin", bytes(unpack.MOST_FILE + 1))), "would have 16000001 bytes"),
        (pack(*((f"{n}.bin", bytes(unpack.MOST_FILE)) for n in range(4))), "more than 50000000"),
    ],
)
def test_an_archive_that_is_a_trap_is_refused_before_anything_is_written(
    tmp_path: Path, data: bytes, told: str
) -> None:
    with pytest.raises(unpack.Unusable, match=told):
        unpack.check(data)
    with pytest.raises(unpack.Unusable, match=told):
        unpack.place("a.zip", data, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused() -> None:
    with pytest.raises(unpack.Unusable, match="in it twice"):
        unpack.check(pack(("a.py", b"1"), ("a.py", b"2")))


def test_an_archive_packed_otherwise_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.py", "x = 1")
    with pytest.raises(unpack.Unusable, match="another method than deflate"):
        unpack.check(buffer.getvalue())


def test_what_the_directory_says_is_not_believed(tmp_path: Path) -> None:
    bomb = lying(40_000_000, 10)
    unpack.check(bomb)
    with pytest.raises(unpack.Unusable, match=r"cannot be read|larger than"):
        unpack.place("a.zip", bomb, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= unpack.MOST_FILE


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    data = bytearray(pack(("a.py", zlib.compress(bytes(range(256))))))
    data[40] ^= 0xFF
    with pytest.raises(unpack.Unusable, match=r"'a\.py' in it cannot be read"):
        unpack.place("a.zip", bytes(data), tmp_path)


def test_a_file_where_a_folder_is_has_no_place(tmp_path: Path) -> None:
    data = pack(("a/b.py", b""), ("a", b""))
    with pytest.raises(unpack.Unusable, match="has no place"):
        unpack.place("a.zip", data, tmp_path)

"""What is /usr on every simulated instance: a shell, the usual text tools, and stand-ins.

It is copied once from this host. The host's own /usr, where an application may be, is on no
instance; nor is anything that installs packages: those programs are stand-ins from `bin`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from executions.sandbox import Unavailable, runtime

TOOLS: Final = [
    "awk",
    "base32",
    "base64",
    "basename",
    "bash",
    "bc",
    "bzip2",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cksum",
    "cmp",
    "column",
    "comm",
    "cp",
    "csplit",
    "cut",
    "date",
    "dd",
    "df",
    "diff",
    "dir",
    "dirname",
    "du",
    "egrep",
    "env",
    "expand",
    "expr",
    "factor",
    "false",
    "fgrep",
    "file",
    "find",
    "flock",
    "fmt",
    "fold",
    "free",
    "getopt",
    "grep",
    "groups",
    "gunzip",
    "gzip",
    "head",
    "hostname",
    "id",
    "install",
    "join",
    "jq",
    "kill",
    "link",
    "ln",
    "ls",
    "lscpu",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mktemp",
    "more",
    "mv",
    "nice",
    "nl",
    "nohup",
    "nproc",
    "numfmt",
    "od",
    "openssl",
    "paste",
    "pathchk",
    "pgrep",
    "pkill",
    "pr",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "rev",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "setsid",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shuf",
    "sleep",
    "sort",
    "split",
    "stat",
    "stdbuf",
    "stty",
    "sum",
    "sync",
    "tac",
    "tail",
    "tar",
    "tee",
    "test",
    "timeout",
    "touch",
    "tr",
    "true",
    "truncate",
    "tsort",
    "tty",
    "uname",
    "unexpand",
    "uniq",
    "unlink",
    "unxz",
    "unzip",
    "uptime",
    "vdir",
    "watch",
    "wc",
    "which",
    "whoami",
    "xargs",
    "xz",
    "yes",
    "zcat",
    "zgrep",
]
# Under more than one name, as on the systems that they stand in for.
STAND_INS: Final = {
    "package-manager": ("yum", "dnf", "apt", "apt-get", "zypper"),
    "power": ("shutdown", "poweroff", "reboot", "halt"),
    "no-network": ("curl", "wget", "ping"),
    "sudo": ("sudo",),
    "systemctl": ("systemctl", "service"),
    "patch-baseline": ("patch-baseline",),
    "aws-package": ("aws-package",),
    "mount": ("mount", "umount"),
    "chroot": ("chroot",),
    "recorded": (
        *("chown", "chgrp", "useradd", "usermod", "groupadd", "passwd"),
        *(
            "modprobe",
            "sysctl",
            "hostnamectl",
            "timedatectl",
            "iptables",
            "rpm",
            "dpkg",
            "apt-mark",
        ),
    ),
}
BIN: Final = Path(__file__).parent / "bin"


def prepare(home: Path) -> Path:
    """The tree in `home`, made if it is not there yet; Unavailable if it cannot be.

    Several simulated accounts of one host share it.
    """
    try:
        with (home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tree = home / f"usr-{_digest()}"
            if not tree.is_dir():
                _build(tree)
    except OSError as error:
        raise Unavailable(f"No programs for instances can be put into {home}: {error}") from error
    return tree


def _digest() -> str:
    """Another name for other programs or stand-ins."""
    facts = [f"{name} {shutil.which(name)}" for name in TOOLS]
    sources = [Path(__file__), *sorted(BIN.iterdir())]
    facts += [path.read_text(encoding="utf-8") for path in sources]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _build(tree: Path) -> None:
    """Make the tree beside its place, and move it there when it is whole."""
    with tempfile.TemporaryDirectory(dir=tree.parent, prefix="new-") as scratch:
        new = Path(scratch).resolve() / "usr"
        programs = new / "bin"
        for folder in ("bin", "lib", "lib64", "local"):
            (new / folder).mkdir(parents=True)
        for name in TOOLS:
            if found := shutil.which(name):
                shutil.copy2(os.path.realpath(found), programs / name)
        (programs / "sh").symlink_to("bash")
        (new / "sbin").symlink_to("bin")
        for name, aliases in STAND_INS.items():
            for alias in aliases:
                shutil.copyfile(BIN / name, programs / alias)
                (programs / alias).chmod(0o755)
        runtime.copy_libraries(new, sorted(programs.iterdir()))
        runtime.open_modes(new)
        new.rename(tree)

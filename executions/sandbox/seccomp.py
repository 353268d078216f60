"""A seccomp filter for scripts: system calls that no script needs and that kernels break by.

It is a deny list (classic BPF, as `man 2 seccomp` has it) over what namespaces and missing
capabilities refuse already. Other architectures and the x32 calls end the process.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable
from typing import Final

from executions.sandbox.values import Unavailable

MACHINE: Final = "x86_64"
_AUDIT_ARCH: Final = 0xC000003E
_X32: Final = 0x40000000
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_KILL: Final = 0x80000000
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL, _AT_LEAST, _ANY_BIT = 0x15, 0x35, 0x45  # BPF_JMP | BPF_JEQ, BPF_JGE, BPF_JSET
_RETURN: Final = 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data

DENIED: Final = {
    "uselib": 134, "personality": 135, "modify_ldt": 154, "pivot_root": 155, "chroot": 161,
    "acct": 163, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169,
    "iopl": 172, "ioperm": 173, "create_module": 174, "init_module": 175, "delete_module": 176,
    "ptrace": 101, "syslog": 103, "kexec_load": 246, "add_key": 248, "request_key": 249,
    "keyctl": 250, "unshare": 272, "perf_event_open": 298, "fanotify_init": 300,
    "name_to_handle_at": 303, "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310,
    "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "kexec_file_load": 320, "bpf": 321,
    "userfaultfd": 323, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
    "fspick": 433, "pidfd_getfd": 438, "mount_setattr": 442,
}  # fmt: skip
_SOCKET, _SOCKETPAIR, _CLONE, _CLONE3 = 41, 53, 56, 435
# Unix, IPv4, IPv6, netlink. Others, vsock above all, do not end at a network namespace.
_FAMILIES: Final = (1, 2, 10, 16)
_NAMESPACES: Final = 0x7E020000  # the CLONE_NEW flags

Instruction = tuple[int, int, int, int]


def compile_filter() -> bytes:
    """The program for `bwrap --seccomp`; Unavailable on an architecture whose calls we lack."""
    if platform.machine() != MACHINE:
        raise Unavailable(
            f"The sandbox filters system calls of {MACHINE} only, and this host is"
            f" {platform.machine()}."
        )
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, _AUDIT_ARCH),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]
    for number in DENIED.values():
        program += _on(number, [_refuse(errno.EPERM)])
    # glibc falls back to clone, whose flags a filter can see.
    program += _on(_CLONE3, [_refuse(errno.ENOSYS)])
    program += _on(_CLONE, _without_flags(_NAMESPACES))
    for number in (_SOCKET, _SOCKETPAIR):
        program += _on(number, _only(_FAMILIES, errno.EAFNOSUPPORT))
    program.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _on(number: int, body: list[Instruction]) -> list[Instruction]:
    """What follows from a call of that number; the body has to end with a return."""
    return [(_EQUAL, 0, len(body), number), *body]


def _refuse(error: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | error)


def _without_flags(flags: int) -> list[Instruction]:
    return [
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, flags),
        _refuse(errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _only(values: Iterable[int], error: int) -> list[Instruction]:
    body: list[Instruction] = [(_LOAD, 0, 0, _FIRST_ARGUMENT)]
    for value in values:
        body += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    return [*body, _refuse(error)]

"""Compares what came with what was wanted, where a case leaves some of it open."""

from __future__ import annotations

import re
from typing import Any, Final

ANY: Final = "ANY"


def compare(found: Any, wanted: Any, where: str) -> None:
    """Equal, but for `ANY`, `~words` (a text that holds the words) and `re:pattern`."""
    if wanted == ANY:
        return
    if isinstance(wanted, str) and wanted.startswith("~"):
        assert wanted[1:] in str(found), f"{where}: {found!r} lacks {wanted[1:]!r}"
    elif isinstance(wanted, str) and wanted.startswith("re:"):
        assert re.fullmatch(wanted[3:], str(found)), f"{where}: {found!r} is no {wanted[3:]!r}"
    elif isinstance(wanted, dict) and isinstance(found, dict):
        assert sorted(found) == sorted(wanted), f"{where}: {found}"
        for key, value in wanted.items():
            compare(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list):
        assert len(found) == len(wanted), f"{where}: {found}"
        for index, value in enumerate(wanted):
            compare(found[index], value, f"{where}[{index}]")
    else:
        assert (type(found), found) == (type(wanted), wanted), where

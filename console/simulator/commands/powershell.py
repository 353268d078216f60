"""PowerShell on simulated Windows instances: kept, not run.

There is no Windows here, and scripts for it mostly ask for what only Windows has. So the script is
written to the instance's disk and said to have succeeded, with two exceptions that can be read off
it: a line `exit N` fails with N, and what shuts the computer down shuts the instance down.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

SAID: Final = "Simulated: PowerShell is not run. The script is kept; $number came before it."
FOLDER: Final = "/ProgramData/Amazon/SSM/scripts"
EXIT: Final = re.compile(r"^exit\s+(\d{1,3})\s*;?\s*$", re.IGNORECASE | re.MULTILINE)
STOPS: Final = re.compile(r"\b(sysprep|stop-computer|shutdown(\.exe)?\s+[/-]s)\b", re.IGNORECASE)
RESTARTS: Final = re.compile(r"\b(restart-computer|shutdown(\.exe)?\s+[/-]r)\b", re.IGNORECASE)


def stand_in(script: str) -> str:
    """The shell script that keeps a PowerShell script, and ends as it would."""
    end = f"END-{secrets.token_hex(8)}"
    code = EXIT.search(script)
    power = "stop" if STOPS.search(script) else "reboot" if RESTARTS.search(script) else ""
    lines = [
        f"mkdir -p {FOLDER} && cd {FOLDER} || exit 1",
        "number=$(ls | wc -l)",
        f'cat >"$(printf %04d "$number").ps1" <<\'{end}\'',
        script,
        end,
        f'echo "{SAID}"',
        *([f"echo {power} >/run/power"] if power else []),
        f"exit {code[1] if code else 0}",
    ]
    return "\n".join(lines)

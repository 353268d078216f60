"""Running a PowerShell script the way `aws:executeScript` does: what it outputs is the payload."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

PROGRAM: Final = "/usr/lib/powershell/pwsh"
HEAP: Final = "0x40000000"  # bytes of .NET's heap; AWS: 1,024 MB for PowerShell
MOST_PAYLOAD: Final = 130_000  # bytes; Linux takes 128 KiB for a variable with its name
# A non-terminating error ends the script too: "throw or Write-Error fails the step".
WRAPPER: Final = """
$ErrorActionPreference = 'Stop'
try {
    $result = & ./customer_script.ps1
    $json = if ($null -eq $result) { 'null' } else { ConvertTo-Json -Depth 20 -Compress $result }
    [IO.File]::WriteAllText("$PWD/payload", $json)
} catch {
    [IO.File]::WriteAllText("$PWD/message", ($_ | Out-String))
    exit 1
}
"""


def run(job: dict[str, Any]) -> dict[str, str]:
    """`payload`, the JSON text of the script's output, or `message`, why there is none."""
    work, payload = Path.cwd(), json.dumps(job["events"])
    if len(payload) > MOST_PAYLOAD:
        return {
            "message": f"InputPayload has {len(payload)} bytes as JSON, more than the"
            f" {MOST_PAYLOAD} that an environment variable can hold."
        }
    (work / "customer_script.ps1").write_text(job["source"], encoding="utf-8-sig")
    (work / "wrapper.ps1").write_text(WRAPPER, encoding="utf-8")
    ended = subprocess.run(  # noqa: S603 - the script is a file, and has this sandbox anyway
        [PROGRAM, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", "wrapper.ps1"],
        env={
            **os.environ,
            "InputPayload": payload,
            "DOTNET_GCHeapHardLimit": HEAP,
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
            "POWERSHELL_TELEMETRY_OPTOUT": "1",
        },
        check=False,
    )
    for name in ("message", "payload"):
        if (work / name).is_file():
            return {name: (work / name).read_text(encoding="utf-8", errors="replace")}
    return {"message": f"PowerShell ended with exit code {ended.returncode}, without a result."}

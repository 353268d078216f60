"""The runbooks that AWS predefines: its names, parameters and steps, in our own wording."""

from __future__ import annotations

import json
from pathlib import Path

from executions.library import install

FOLDER = Path(__file__).parent / "predefined"


def install_all() -> int:
    """Put every predefined runbook in place; answers with how many there are."""
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    for name, facts in index.items():
        text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
        install(name, text, target_type=facts["target_type"])
    return len(index)

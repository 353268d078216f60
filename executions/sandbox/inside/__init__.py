"""What runs inside the sandbox: standard library only, and nothing else of Countersign."""

from __future__ import annotations

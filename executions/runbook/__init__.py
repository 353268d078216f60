"""The runbook language (schema 0.3) as pure functions on values; nothing here does I/O."""

from __future__ import annotations

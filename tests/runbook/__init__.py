"""Tests of the runbook language."""

from __future__ import annotations

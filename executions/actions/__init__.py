"""One file an action. Every module here is loaded at start; a new one needs no other edit."""

from __future__ import annotations

import importlib
import pkgutil

from executions.actions.base import registry

__all__ = ["load", "registry"]


def load() -> None:
    """Import every module of this package, so that its actions register themselves."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")

"""One function for each operation of the SSM API that Countersign has."""

from __future__ import annotations

import importlib
import pkgutil

from console.api.operations.base import OPERATIONS

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")

__all__ = ["OPERATIONS"]

"""Collects the problems of a document, each with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .types import MAX_PROBLEMS, Path, Problem, Severity, show_path


class Findings:
    """Problems found so far; `locate` turns a path into (line, column)."""

    def __init__(self, locate: Callable[[Path], tuple[int, int]]) -> None:
        self.locate = locate
        self.problems: list[Problem] = []
        self._counts: Counter[Severity] = Counter()

    def error(self, path: Path, message: str) -> None:
        """Note something that keeps the document from being saved."""
        self._add(path, message, "error")

    def warn(self, path: Path, message: str) -> None:
        """Note something a reviewer should know, though the document is legal."""
        self._add(path, message, "warning")

    def _add(self, path: Path, message: str, severity: Severity) -> None:
        self._counts[severity] += 1
        if self._counts[severity] <= MAX_PROBLEMS:  # warnings take no error's place
            line, column = self.locate(path)
            self.problems.append(Problem(line, column, show_path(path), message, severity))

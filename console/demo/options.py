"""What ./run can be told."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent


class Trouble(Exception):
    """Countersign cannot start. The message is a sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line. `port` is None if the person leaves the choice to us."""

    state: Path
    port: int | None = None
    reset: bool = False
    aws_endpoint: str = ""
    workers: int = 2
    postgres: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, for ./run and for ``manage.py demo`` alike."""
    parser.add_argument("--port", type=_port, help="of the web pages; 8000 or the next free one")
    parser.add_argument(
        "--state",
        type=Path,
        default=ROOT / "var",
        metavar="DIR",
        help="folder for the database, the keys and the logs; var/ beside ./run",
    )
    parser.add_argument("--reset", action="store_true", help="empty the state folder first")
    parser.add_argument(
        "--aws-endpoint",
        type=_url,
        metavar="URL",
        help="an AWS endpoint to use instead of the simulated account",
    )
    parser.add_argument("--workers", type=_count, default=2, metavar="N", help="2")
    parser.add_argument(
        "--postgres",
        action="store_true",
        help="keep the data in a PostgreSQL that is started for it, not in SQLite",
    )


def from_namespace(namespace: argparse.Namespace) -> Options:
    """The parsed arguments as a value; the state folder becomes absolute."""
    return Options(
        state=namespace.state.expanduser().absolute(),
        port=namespace.port,
        reset=namespace.reset,
        aws_endpoint=namespace.aws_endpoint or "",
        workers=namespace.workers,
        postgres=namespace.postgres,
    )


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")


def _count(text: str) -> int:
    if text.isdecimal() and 0 < int(text) <= 64:
        return int(text)
    raise argparse.ArgumentTypeError(f"give a number from 1 to 64, not {text!r}")


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme in {"http", "https"} and parts.netloc:
        return text
    raise argparse.ArgumentTypeError(f"an endpoint begins with http:// or https://, not {text!r}")

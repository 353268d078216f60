"""``manage.py demo``: the same as ./run, for those who have installed the packages themselves."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand

from console.demo import options, supervisor


class Command(BaseCommand):
    """A thin door to `console.demo.supervisor`."""

    help = "Start all of Countersign on this machine, with a simulated AWS account."
    requires_system_checks = ()  # its children check themselves, with settings of their own

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        options.add_arguments(parser)

    def handle(self, *args: Any, **given: Any) -> None:
        sys.exit(supervisor.main(options.from_namespace(argparse.Namespace(**given))))

"""manage.py account: connect an AWS account."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from executions.models import Account


class Command(BaseCommand):
    """The role has to trust the identity that the workers have, with the external id if given."""

    help = "Connect an AWS account, or change how it is connected."

    def add_arguments(self, parser: CommandParser) -> None:
        """What an account is known by."""
        parser.add_argument("account_id", help="twelve digits")
        parser.add_argument("--name", required=True)
        parser.add_argument("--region", action="append", required=True, dest="regions")
        parser.add_argument("--role", default="", help="ARN of the role that steps act as")
        parser.add_argument("--allow-role", action="append", default=[], dest="allowed_roles")
        parser.add_argument("--external-id", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Save it, checked."""
        account = Account(
            account_id=options["account_id"],
            name=options["name"],
            regions=options["regions"],
            role_arn=options["role"],
            allowed_roles=options["allowed_roles"],
            external_id=options["external_id"],
        )
        try:
            account.full_clean(validate_unique=False)
        except ValidationError as problem:
            raise CommandError("; ".join(problem.messages)) from problem
        account.save()
        self.stdout.write(f"{account} is connected.")

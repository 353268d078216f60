"""manage.py person: let somebody sign in and act as an IAM principal."""

from __future__ import annotations

import getpass
import re
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from console.iam.models import Policy, Principal, User

ARN = re.compile(r"arn:aws[a-z-]*:(iam::\d{12}:user/.+|sts::\d{12}:assumed-role/[^/]+/[^/]+)")


class Command(BaseCommand):
    """The password is asked for on the terminal: it must not stand in a shell's history."""

    help = "Add a person with a principal, or another principal to a person."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, as what, and what that may do."""
        parser.add_argument("username")
        parser.add_argument("--arn", required=True, help="a user's or a role session's ARN")
        parser.add_argument("--policy", action="append", required=True, dest="policies")

    def handle(self, *args: Any, **options: Any) -> None:
        """All of it or nothing."""
        if not ARN.fullmatch(options["arn"]):
            raise CommandError(f"{options['arn']} is neither a user's nor a role session's ARN.")
        policies = list(Policy.objects.filter(name__in=options["policies"]))
        if missing := set(options["policies"]) - {policy.name for policy in policies}:
            raise CommandError(f"There is no policy {', '.join(sorted(missing))}.")
        with transaction.atomic():
            user, is_new = User.objects.get_or_create(username=options["username"])
            if is_new:
                self._set_password(user)
            principal, _ = Principal.objects.get_or_create(
                arn=options["arn"], defaults={"user": user}
            )
            if principal.user_id != user.pk:
                raise CommandError(f"{principal} belongs to {principal.user} already.")
            principal.policies.set(policies)
        self.stdout.write(f"{user} can act as {principal}.")

    def _set_password(self, user: User) -> None:
        password = getpass.getpass(f"Password for {user}: ")
        try:
            validate_password(password, user)
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from problem
        user.set_password(password)
        user.save(update_fields=["password"])

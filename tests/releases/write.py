"""Writes down a database with waiting runs, for the releases to come. See README.md."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

from django.apps import apps
from django.core.management import call_command

from console.iam.models import User
from executions import clock, store
from executions.models import Account
from tests.approvals.people import DECIDE, make_person
from tests.conftest import HandClock
from tests.engine.conftest import MAY
from tests.engine.runs import ACCOUNT, REGION, WORKER_ROLE, Runs
from tests.releases import rows
from tests.releases.people import carry_on
from tests.releases.slow_aws import SlowAws
from tests.releases.waiting import begin

HERE = Path(__file__).parent


def write(release: str) -> None:
    """Write RELEASE.json beside this file, from an empty database; it must not exist yet."""
    call_command("migrate", verbosity=0)
    hand, world, chance = HandClock(), SlowAws(), random.Random(release)  # noqa: S311 - no secret
    clock.use(hand)
    random.seed(release)
    _number_keys(lambda: UUID(int=chance.getrandbits(128), version=4))
    with (
        mock.patch("executions.aws.call", world.call),
        mock.patch.object(store, "OWNER", "worker-of-then"),
        (HERE / f"{release}.json").open("x", encoding="utf-8") as file,
    ):
        runs = Runs(hand, _make_people(hand))
        begin(runs)
        then = {
            "at": hand.now,
            "migrations": rows.newest_migrations(),
            "tables": rows.read_all(),
        }
        file.write(_in_lines({**then, "ends": carry_on(runs, world)}))


def _number_keys(make: Callable[[], UUID]) -> None:
    """The same keys each time that this is written."""
    for model in apps.get_models():
        key = model._meta.pk
        if key.default is uuid4:
            key.default = make


def _make_people(hand: HandClock) -> User:
    """olivia, who starts; alice and bob, who approve; and the account."""
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=[REGION], role_arn=WORKER_ROLE
    )
    olivia = make_person("olivia", *MAY)
    for name in ("alice", "bob"):
        make_person(name, *DECIDE)
    User.objects.update(password="!", date_joined=hand.now)
    return User.objects.get(pk=olivia.pk)


def _in_lines(value: dict[str, Any]) -> str:
    """JSON with a line for each row, so that it can be read."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    plain = json.loads(text)
    tables = plain.pop("tables")
    lines = [
        f'    {json.dumps(label)}: {{"columns": {json.dumps(table["columns"])}, "rows": [\n      '
        + ",\n      ".join(json.dumps(row) for row in table["rows"])
        + "\n    ]}"
        for label, table in tables.items()
    ]
    rest = [f"  {json.dumps(name)}: {json.dumps(part)}" for name, part in plain.items()]
    return "{\n" + ",\n".join([*rest, '  "tables": {\n' + ",\n".join(lines) + "\n  }"]) + "\n}\n"

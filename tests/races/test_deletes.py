"""A document that is deleted while it is started: one of the two is refused, in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from console.iam.models import User
from executions import lifecycle
from executions.errors import Conflict, Refused
from executions.library import changes
from executions.models import Document, DocumentVersion, Execution
from tests.approvals.people import make_person
from tests.engine.conftest import MAY
from tests.engine.runs import REGION, Runs, make_version
from tests.engine.steps import sleep
from tests.races.rounds import rounds
from tests.races.together import at_once

pytestmark = [pytest.mark.race]
ROUNDS = rounds(15, 200)


def starting(version: DocumentVersion) -> Callable[[], Execution]:
    """A start of the version that was found before, as pages and the API do."""
    request = lifecycle.Start(version, REGION)
    return lambda: lifecycle.start(request, by=User.objects.get(username="olivia"))


def deleting(document: Document) -> Callable[[], None]:
    """By somebody who may."""
    return lambda: changes.delete(document, by=User.objects.get(username="dora"))


@pytest.fixture(autouse=True)
def _dora(runs: Runs) -> None:
    make_person("dora", *MAY, "ssm:DeleteDocument")


def test_a_start_of_a_version_that_is_gone_is_refused(runs: Runs) -> None:
    version = make_version(sleep("a"))
    request = lifecycle.Start(version, REGION)
    Document.objects.get(pk=version.document_id).versions.all().delete()
    with pytest.raises(Conflict, match="was deleted") as refused:
        lifecycle.start(request, by=runs.person)
    assert refused.value.code == "AutomationDefinitionVersionNotFoundException"
    assert not Execution.objects.exists()


def test_one_of_a_start_and_a_delete_wins(runs: Runs) -> None:
    for _ in range(ROUNDS):
        version = make_version(sleep("a"))
        started, deleted = at_once([starting(version), deleting(version.document)])
        assert isinstance(started, Refused) != isinstance(deleted, Refused), (started, deleted)
        there = DocumentVersion.objects.filter(pk=version.pk).exists()
        assert there == isinstance(started, Execution)
        assert Execution.objects.filter(version_id=version.pk).exists() == there

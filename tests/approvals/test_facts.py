"""What an approval is bound to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from approvals.facts import Facts, Terms, changes, digest, gather
from console.iam.models import User
from executions.models import Document, DocumentVersion, Execution
from executions.runbook.template import Scope
from tests.approvals.people import ACCOUNT, INSTANCE, make_context, user_arn

pytestmark = pytest.mark.django_db
TERMS = Terms(("alice",), 1, "Stop it?")


def facts_of(*inputs: dict[str, Any], content: str = "", **scope: Any) -> Facts:
    """The facts of a run whose later steps have these inputs."""
    later = [
        {"name": f"later{n}", "action": "aws:executeAwsApi", "inputs": one}
        for n, one in enumerate(inputs)
    ]
    first = {"name": "approve", "action": "aws:approve", "inputs": {"Approvers": ["alice"]}}
    text = content or json.dumps({"schemaVersion": "0.3", "mainSteps": [first, *later]})
    document = Document(owner=ACCOUNT, name="Doc")
    execution = Execution(
        account_id=ACCOUNT,
        region="eu-west-1",
        version=DocumentVersion(document=document, number=3, content=text, format="JSON"),
        started_by=User(username="olivia"),
        executed_by=user_arn("olivia"),
    )
    return gather(replace(make_context(), scope=Scope(**scope)), execution, TERMS)


def inputs_of(facts: Facts) -> dict[str, Any]:
    """The inputs of the first later step."""
    inputs: dict[str, Any] = facts["steps"][0]["inputs"]
    return inputs


def test_inputs_are_written_as_far_as_they_are_known() -> None:
    facts = facts_of(
        {
            "Ids": ["{{ Ids }}", "{{ look.Ids }}", "{{ notyet.Ids }}"],
            "Text": "{{ Count }} of {{ notyet.Total }}",
            "Map": {"Count": "{{ Count }}"},
        },
        parameters={"Ids": ["a", "b"], "Count": 2},
        outputs={"look": {"Ids": ["c"]}},
    )
    assert inputs_of(facts) == {
        "Ids": ["a", "b", "c", "{{ notyet.Ids }}"],
        "Text": "{{ Count }} of {{ notyet.Total }}",
        "Map": {"Count": 2},
    }


def test_what_moves_by_itself_is_left_as_written() -> None:
    system = {"global:DATE": "2026-03-02", "global:DATE_TIME": "x", "global:REGION": "eu-west-1"}
    outputs = {"approve": {"ApprovalStatus": "Waiting"}}
    written = {"Name": "{{ global:DATE }}", "Status": "{{ approve.ApprovalStatus }}"}
    facts = facts_of({**written, "Region": "{{ global:REGION }}"}, system=system, outputs=outputs)
    assert inputs_of(facts) == {**written, "Region": "eu-west-1"}


def test_a_script_is_code() -> None:
    facts = facts_of({"Script": "print('{{ Ids }}')"}, parameters={"Ids": "a"})
    assert inputs_of(facts)["Script"] == "print('{{ Ids }}')"


def test_targets_come_from_parameters_and_earlier_outputs() -> None:
    facts = facts_of(
        {"InstanceIds": ["{{ look.Ids }}"], "Text": f"not {INSTANCE} in a text"},
        parameters={"InstanceId": "i-01234567"},
        outputs={"look": {"Ids": ["i-0fedcba9876543210", "i-01234567", "i-nonsense"]}},
    )
    assert facts["targets"] == ["i-01234567", "i-0fedcba9876543210"]


def test_defaults_are_shown_like_values() -> None:
    facts = facts_of(parameters={"A": 1}, defaults={"B": "{{ global:REGION }}", "A": 2})
    assert facts["parameters"] == {"A": 1, "B": "{{ global:REGION }}"}
    assert facts["steps"] == []


def test_the_documents_text_is_hashed_anew() -> None:
    facts = facts_of()
    assert len(facts["document"]["sha256"]) == 64
    text = json.dumps(
        {"schemaVersion": "0.3", "mainSteps": [{"name": "approve", "action": "aws:approve"}]}
    )
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert facts_of(content=text)["document"]["sha256"] == expected
    assert facts["document"]["sha256"] != expected


def test_the_digest_is_of_the_meaning() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})
    assert digest({"a": "1"}) != digest({"a": 1})


@pytest.mark.parametrize(
    ("now", "names"),
    [
        ({"role": "r", "targets": ["i-1"]}, []),
        ({"role": "s", "targets": ["i-1"]}, ["role"]),
        ({"role": "r", "targets": ["i-1", "i-2"]}, ["targets"]),
        ({"role": "r", "targets": ["i-1"], "more": 1}, ["more"]),
        ({"targets": ["i-1"]}, ["role"]),
    ],
)
def test_changes(now: Facts, names: list[str]) -> None:
    asked = {"role": "r", "targets": [{"id": "i-1", "state": "running"}]}
    assert changes(asked, now) == names

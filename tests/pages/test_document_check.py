"""The endpoints of the editor: the check that stores nothing, and the words to complete."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from executions import library
from executions.actions import registry
from executions.errors import BadParameters
from executions.library.predefined import install_all
from executions.models import Document, DocumentVersion, JournalEntry
from executions.runbook.tree import MAX_BYTES
from tests.pages.conftest import SignIn
from tests.pages.writers import BAD, TEXT


@pytest.fixture
def client(client_of: SignIn) -> Client:
    """The viewer's: checking needs no right to save."""
    return client_of("viewer")


def check(client: Client, content: str, fmt: str = "YAML") -> dict[str, Any]:
    answer = client.post("/documents/check/", {"content": content, "format": fmt})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_good_text(client: Client) -> None:
    found = check(client, TEXT)
    assert [one["severity"] for one in found["problems"]] == ["warning"]
    assert found["names"]["steps"] == {"wait": {"action": "aws:sleep", "outputs": {}}}


@pytest.mark.parametrize("content", [BAD, "", "a: [", "x: 1\nx: 2\n", TEXT + "#" * MAX_BYTES])
def test_it_is_the_check_of_saving(client: Client, content: str) -> None:
    shown = [one for one in check(client, content)["problems"] if one["severity"] == "error"]
    document = Document(owner="1" * 12, name="New")
    with pytest.raises(BadParameters) as refused:
        library.save_version(document, library.Draft(content))
    if isinstance(refused.value, library.InvalidContent):
        saved = [(one.line, one.column, one.message) for one in refused.value.problems]
    else:
        saved = [(1, 1, refused.value.message)]
    assert [(one["line"], one["column"], one["message"]) for one in shown] == saved != []


def test_names_of_a_text_with_errors(client: Client) -> None:
    text = """schemaVersion: "0.3"
parameters: {Size: {type: String}}
variables: {Count: {type: Integer, default: 1}}
mainSteps:
  - name: look
    action: aws:executeAwsApi
    inputs: {Service: ec2}
    outputs: [{Name: Id, Selector: $.Id, Type: String}]
  - {name: "", action: "aws:nothing"}
"""
    found = check(client, text)
    assert any(one["severity"] == "error" for one in found["problems"])
    names = found["names"]
    assert names["parameters"] == {"Size": "String"}
    assert names["variables"] == {"Count": "Integer"}
    assert names["steps"]["look"]["outputs"]["Id"] == "String"
    assert check(client, "a: [")["names"] is None


def test_nothing_is_stored(client: Client) -> None:
    check(client, TEXT)
    check(client, BAD)
    assert not DocumentVersion.objects.exists()
    assert not JournalEntry.objects.exists()


def test_the_formats_differ(client: Client) -> None:
    assert any(one["severity"] == "error" for one in check(client, TEXT, "JSON")["problems"])
    assert all(one["severity"] == "warning" for one in check(client, TEXT, "nonsense")["problems"])


def test_words_are_those_of_the_registry(client: Client) -> None:
    answer = client.get("/documents/words/")
    words = answer.json()
    assert set(words["actions"]) == set(registry.actions)
    inputs = words["actions"]["aws:changeInstanceState"]["inputs"]
    assert inputs["InstanceIds"] == {"type": "StringList", "required": True}
    assert inputs["Force"] == {"type": "Boolean", "required": False}
    assert "nextStep" in words["step"]
    assert "mainSteps" in words["top"]
    assert "AWS::EC2::Instance::Id" in words["types"]
    assert "global:REGION" in words["system"]
    assert "private" in answer.headers["Cache-Control"]


def test_every_predefined_text_has_names(client: Client) -> None:
    install_all()
    for version in DocumentVersion.objects.all():
        found = check(client, version.content, version.format)
        assert not [one for one in found["problems"] if one["severity"] == "error"]
        assert found["names"]["steps"]

"""The life of a document by the API, and what is refused by which name."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from pytest_django import Settings

from console.iam.models import User
from executions.models import Document
from tests.api.conftest import TWO, create, refused, start
from tests.api.door import make_client
from tests.approvals.people import drain, make_person

OTHER = TWO.replace("no time", "little time")
AS_JSON = json.dumps(
    {
        "schemaVersion": "0.3",
        "mainSteps": [{"name": "a", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}],
    }
)
AMAZON = "AWS-StopEC2Instance"


def update(client: Any, content: str = OTHER, **more: Any) -> dict[str, Any]:
    """A new version of Two."""
    answer = client.update_document(
        **{"Name": "Two", "Content": content, "DocumentFormat": "YAML",
           "DocumentVersion": "$LATEST", **more}
    )  # fmt: skip
    return dict(answer["DocumentDescription"])


def test_create(ada: Any) -> None:
    answer = ada.create_document(
        Name="Two", Content=TWO, DocumentFormat="YAML", DocumentType="Automation",
        VersionName="first", DisplayName="Two steps", TargetType="/AWS::EC2::Instance",
        Tags=[{"Key": "team", "Value": "a"}],
    )["DocumentDescription"]  # fmt: skip
    assert answer == ada.describe_document(Name="Two")["Document"]
    expected = {
        "Name": "Two", "DisplayName": "Two steps", "VersionName": "first", "Status": "Active",
        "Owner": "111122223333", "DocumentVersion": "1", "LatestVersion": "1",
        "DefaultVersion": "1", "DocumentType": "Automation", "SchemaVersion": "0.3",
        "DocumentFormat": "YAML", "TargetType": "/AWS::EC2::Instance",
        "PlatformTypes": ["Windows", "Linux", "MacOS"],
        "Description": "Two steps that take no time.",
        "Author": "arn:aws:iam::111122223333:user/ada", "HashType": "Sha256",
        "Hash": sha256(TWO.encode()).hexdigest(), "Tags": [{"Key": "team", "Value": "a"}],
        "Parameters": [{"Name": "Word", "Type": "String", "DefaultValue": "hello"}],
    }  # fmt: skip
    assert {name: answer[name] for name in expected} == expected
    assert answer.keys() - expected.keys() == {"CreatedDate"}


def test_json_is_the_format_if_none_is_named(ada: Any) -> None:
    ada.create_document(Name="Json", Content=AS_JSON)
    assert ada.get_document(Name="Json")["DocumentFormat"] == "JSON"
    with refused("InvalidDocumentContent"):
        ada.create_document(Name="Yaml", Content=TWO)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Content": "mainSteps: ["}, "InvalidDocumentContent"),
        ({"Content": TWO.replace("aws:sleep", "sleep")}, "InvalidDocumentContent"),
        ({"Content": TWO.replace('"0.3"', '"2.2"')}, "InvalidDocumentSchemaVersion"),
        ({"Content": TWO.replace('"0.3"', '"2.2"').replace("first", "second")},
         "InvalidDocumentContent"),
        ({"Content": "#" * 65_537}, "MaxDocumentSizeExceeded"),
        ({"Content": "é" * 32_769}, "MaxDocumentSizeExceeded"),
        ({"Name": "AWS-Mine"}, "ValidationException"),
        ({"Name": "amazon.mine"}, "ValidationException"),
        ({"Name": "ab"}, "ValidationException"),
        ({"DocumentType": "Command"}, "ValidationException"),
        ({"DocumentFormat": "TEXT"}, "ValidationException"),
        ({"TargetType": "EC2"}, "ValidationException"),
        ({"Requires": [{"Name": "Other"}]}, "ValidationException"),
        ({"Attachments": [{"Key": "SourceUrl", "Values": ["s3:/b/k"]}]}, "InvalidDocumentContent"),
        ({"Tags": [{"Key": "AWS:x", "Value": "y"}]}, "ValidationException"),
    ],
)  # fmt: skip
def test_create_that_cannot_be(ada: Any, more: dict[str, Any], code: str) -> None:
    good = {"Name": "Two", "Content": TWO, "DocumentFormat": "YAML"}
    with refused(code):
        ada.create_document(**{**good, **more})


def test_size_of_64_kb_is_allowed(ada: Any) -> None:
    content = TWO + "#" * (65_536 - len(TWO))
    create(ada, "Two", content)
    assert ada.get_document(Name="Two")["Content"] == content


def test_name_is_taken(ada: Any, two: str) -> None:
    with refused("DocumentAlreadyExists", journalled=True):
        create(ada, two, OTHER)


def test_limit_of_documents(ada: Any, two: str, settings: Settings) -> None:
    settings.MOST_DOCUMENTS = 3
    Document.objects.create(owner="111122223333", name="Doc-2")
    create(ada, "Last")
    with refused("DocumentLimitExceeded"):
        create(ada, "One-more")


ROLE = "arn:aws:iam::111122223333:role/Admin"


def test_who_writes_a_role_into_a_document_may_pass_it(people: dict[str, User]) -> None:
    with_role = TWO.replace("mainSteps:", f"assumeRole: {ROLE}\nmainSteps:")
    zoe = make_client(make_person("zoe", "ssm:CreateDocument"), "eu-west-1")
    with refused("AccessDeniedException", journalled=True):
        create(zoe, "Roles", with_role)
    yan = make_client(make_person("yan", "ssm:CreateDocument", "iam:PassRole"), "eu-west-1")
    create(yan, "Roles", with_role)


def test_a_role_that_is_given_at_the_start_is_nobodys_yet(people: dict[str, User]) -> None:
    zoe = make_client(make_person("zoe", "ssm:CreateDocument"), "eu-west-1")
    create(zoe, "Roles", TWO.replace("mainSteps:", "assumeRole: '{{ Word }}'\nmainSteps:"))


# -- versions


def test_update_leaves_the_default(ada: Any, two: str) -> None:
    answer = update(ada, VersionName="second", DisplayName="Newer")
    assert (answer["DocumentVersion"], answer["LatestVersion"]) == ("2", "2")
    assert answer["DefaultVersion"] == "1"
    assert ada.get_document(Name=two)["Content"] == TWO
    for version in (
        {"DocumentVersion": "$LATEST"},
        {"DocumentVersion": "2"},
        {"VersionName": "second"},
        {"VersionName": "second", "DocumentVersion": "2"},
    ):
        found = ada.get_document(Name=two, **version)
        assert (found["Content"], found["VersionName"]) == (OTHER, "second")
    assert ada.get_document(Name=two, DocumentVersion="$DEFAULT")["DocumentVersion"] == "1"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Content": TWO}, "DuplicateDocumentContent"),
        ({"VersionName": "first"}, "DuplicateDocumentVersionName"),
        ({"DocumentVersion": "1"}, "InvalidDocumentVersion"),
        ({"DocumentVersion": "$DEFAULT"}, "InvalidDocumentVersion"),
        ({"DocumentVersion": "7"}, "InvalidDocumentVersion"),
        ({"Content": "x: ["}, "InvalidDocumentContent"),
        ({"Content": OTHER.replace("0.3", "1.0")}, "InvalidDocumentSchemaVersion"),
        ({"Content": "#" * 65_537}, "MaxDocumentSizeExceeded"),
        ({"Name": "Nothing"}, "InvalidDocument"),
        ({"Attachments": [{"Key": "SourceUrl", "Values": ["s3:/b/k"]}]}, "InvalidDocumentContent"),
    ],
)
def test_update_that_cannot_be(ada: Any, more: dict[str, Any], code: str) -> None:
    create(ada, "Two", VersionName="first")
    update(ada, OTHER + "\n")
    with refused(code):
        update(ada, **more)


def test_update_from_the_default_if_that_is_the_latest(ada: Any, two: str) -> None:
    assert update(ada, DocumentVersion="$DEFAULT")["DocumentVersion"] == "2"


def test_limit_of_versions(ada: Any, two: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.library.MOST_VERSIONS", 1)
    with refused("DocumentVersionLimitExceeded"):
        update(ada)


def test_other_default(ada: Any, two: str) -> None:
    update(ada, VersionName="second")
    answer = ada.update_document_default_version(Name=two, DocumentVersion="2")
    assert answer["Description"] == {
        "Name": two, "DefaultVersion": "2", "DefaultVersionName": "second",
    }  # fmt: skip
    assert ada.get_document(Name=two)["Content"] == OTHER
    for version in ("3", "9" * 5000):
        with refused("InvalidDocumentVersion", journalled=True):
            ada.update_document_default_version(Name=two, DocumentVersion=version)
    with refused("ValidationException"):
        ada.update_document_default_version(Name=two, DocumentVersion="$LATEST")


def test_run_keeps_the_version_that_it_began_with(ada: Any, two: str) -> None:
    run = start(ada, two)
    update(ada)
    ada.update_document_default_version(Name=two, DocumentVersion="2")
    drain()
    found = ada.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]
    assert (found["DocumentVersion"], found["AutomationExecutionStatus"]) == ("1", "Success")


def test_versions_newest_first(ada: Any, two: str) -> None:
    update(ada, VersionName="second")
    found = ada.list_document_versions(Name=two)["DocumentVersions"]
    assert [one["DocumentVersion"] for one in found] == ["2", "1"]
    assert [one["IsDefaultVersion"] for one in found] == [False, True]
    assert found[0]["VersionName"] == "second"
    assert "VersionName" not in found[1]


# -- formats


@pytest.mark.parametrize("fmt", ["JSON", "YAML"])
def test_either_format_says_the_same(ada: Any, predefined: None, fmt: str) -> None:
    content = ada.get_document(Name=AMAZON, DocumentFormat=fmt)["Content"]
    assert content.lstrip().startswith("{") == (fmt == "JSON")
    ada.create_document(Name="Copy", Content=content, DocumentFormat=fmt)
    parameters = [ada.describe_document(Name=name)["Document"]["Parameters"] for name in
                  (AMAZON, "Copy")]  # fmt: skip
    assert parameters[0] == parameters[1]


def test_stored_format_is_byte_for_byte(ada: Any, two: str) -> None:
    assert ada.get_document(Name=two)["Content"] == TWO
    assert json.loads(ada.get_document(Name=two, DocumentFormat="JSON")["Content"])
    with refused("ValidationException"):
        ada.get_document(Name=two, DocumentFormat="TEXT")


# -- deletion


def test_delete(ada: Any, two: str) -> None:
    ada.add_tags_to_resource(
        ResourceType="Document", ResourceId=two, Tags=[{"Key": "a", "Value": "b"}]
    )
    ada.delete_document(Name=two)
    with refused("InvalidDocument"):
        ada.describe_document(Name=two)
    create(ada, two)
    assert ada.describe_document(Name=two)["Document"].get("Tags", []) == []


@pytest.mark.parametrize("named", [{"VersionName": "second"}, {"DocumentVersion": "$LATEST"}])
def test_delete_one_version(ada: Any, two: str, named: dict[str, str]) -> None:
    update(ada, VersionName="second")
    ada.delete_document(Name=two, **named)
    assert ada.describe_document(Name=two)["Document"]["LatestVersion"] == "1"


def test_what_is_not_deleted(ada: Any, two: str) -> None:
    with refused("InvalidDocumentOperation", journalled=True) as message:
        ada.delete_document(Name=two, DocumentVersion="1")
    assert "default" in message[0]
    with refused("InvalidDocumentVersion", journalled=True):
        ada.delete_document(Name=two, VersionName="nothing")
    share = {"Name": two, "PermissionType": "Share"}
    ada.modify_document_permission(**share, AccountIdsToAdd=["444455556666"])
    with refused("InvalidDocumentOperation", journalled=True) as message:
        ada.delete_document(Name=two)
    assert "shared" in message[0]
    ada.modify_document_permission(**share, AccountIdsToRemove=["444455556666"])
    start(ada, two)
    with refused("InvalidDocumentOperation", journalled=True) as message:
        ada.delete_document(Name=two)
    assert "history" in message[0]

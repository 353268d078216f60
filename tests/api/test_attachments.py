"""Attachments of documents: from S3 and from other documents, checked, kept once, and linked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from console.iam.models import Policy, User
from console.simulator import client as simulator
from executions import clock
from executions.aws import client as aws_client
from executions.models import Attachment, AttachmentContent
from tests.api.conftest import ClientOf, refused
from tests.simulator.aws import PRODUCTION, assume, make_client

BUCKET = "countersign-attachments"
TOOL = b"def main(events, context):\n    return 'tool'\n"
DATA = b"not,the,same\n"
PLACE = f"s3://{BUCKET}/code"


@pytest.fixture(scope="module")
def simulated() -> Iterator[str]:
    """A simulated account with two objects in a bucket; its endpoint."""
    with simulator.started("--time-scale", "0.02") as endpoint:
        s3 = make_client(endpoint, "s3", assume(endpoint, PRODUCTION))
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        s3.put_object(Bucket=BUCKET, Key="code/tool.py", Body=TOOL)
        s3.put_object(Bucket=BUCKET, Key="code/data.csv", Body=DATA)
        s3.put_object(Bucket=BUCKET, Key="code/deep/tool.py", Body=DATA)
        s3.put_object(Bucket=BUCKET, Key="code/code.zip", Body=b"PK, but no archive")
        yield endpoint


@pytest.fixture(autouse=True)
def _aws(simulated: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.AWS_ENDPOINT_URL = simulated
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    aws_client._clients.clear()
    yield
    aws_client._clients.clear()


def content(*files: tuple[str, bytes], description: str = "") -> str:
    """A document that names these files with their checksums."""
    named = {name: {"checksums": {"sha256": sha256(data).hexdigest()}} for name, data in files}
    step = {"name": "a", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
    document = {"schemaVersion": "0.3", "description": description, "mainSteps": [step]}
    return json.dumps({**document, "files": named} if named else document)


def from_s3(key: str = "tool.py", **more: str) -> dict[str, Any]:
    return {"Key": "S3FileUrl", "Values": [f"{PLACE}/{key}"], **more}


def create(client: Any, text: str, *sources: dict[str, Any], name: str = "Tools") -> dict[str, Any]:
    answer = client.create_document(
        Name=name, Content=text, DocumentType="Automation", Attachments=list(sources)
    )
    return dict(answer["DocumentDescription"])


TOOL_ONLY = content(("tool.py", TOOL))
BOTH = content(("tool.py", TOOL), ("data.csv", DATA))


def test_a_file_of_s3_is_attached_and_shown(ada: Any) -> None:
    answer = create(ada, TOOL_ONLY, from_s3())
    assert answer["AttachmentsInformation"] == [{"Name": "tool.py"}]
    assert ada.describe_document(Name="Tools")["Document"] == answer
    (shown,) = ada.get_document(Name="Tools")["AttachmentsContent"]
    assert shown["Url"].startswith("http://testserver/attachments/")
    assert {**shown, "Url": ""} == {
        "Name": "tool.py", "Size": len(TOOL), "HashType": "Sha256", "Url": "",
        "Hash": sha256(TOOL).hexdigest(),
    }  # fmt: skip


def test_a_file_takes_the_name_that_it_is_given(ada: Any) -> None:
    create(ada, content(("other.py", TOOL)), from_s3(Name="other.py"))
    assert Attachment.objects.get().name == "other.py"


@pytest.mark.parametrize("place", [PLACE, f"{PLACE}/", f"https://{BUCKET}.s3.amazonaws.com/code"])
def test_of_a_folder_what_the_document_names_is_attached(ada: Any, place: str) -> None:
    create(ada, BOTH, {"Key": "SourceUrl", "Values": [place]})
    found = {one.name: bytes(one.content.data) for one in Attachment.objects.all()}
    assert found == {"tool.py": TOOL, "data.csv": DATA}


def test_a_document_without_files_shows_none(ada: Any) -> None:
    assert "AttachmentsInformation" not in create(ada, content())
    assert "AttachmentsContent" not in ada.get_document(Name="Tools")


def test_a_document_may_come_without_its_files(ada: Any) -> None:
    """Published ones do; what is kept is nothing, and the step that needs a file will say so."""
    assert create(ada, BOTH)["Status"] == "Active"
    assert not Attachment.objects.exists()
    assert ada.get_document(Name="Tools")["AttachmentsContent"] == []


def test_all_that_is_wrong_is_told_at_once(ada: Any) -> None:
    text = content(("tool.py", DATA), ("absent.py", TOOL), ("code.zip", b"PK, but no archive"))
    with refused("InvalidDocumentContent", journalled=True) as message:
        create(ada, text, from_s3(), from_s3("data.csv"), from_s3("code.zip"))
    assert f"tool.py has SHA-256 {sha256(TOOL).hexdigest()}, and files says" in message[0]
    assert "absent.py is named under files and not attached" in message[0]
    assert "data.csv is attached, and files does not name it" in message[0]
    assert "code.zip cannot be used. It is no zip archive" in message[0]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (from_s3("absent.py"), "code/absent.py cannot be read"),
        ({"Key": "S3FileUrl", "Values": ["s3://no-such-bucket-of-ours/a.py"]}, "cannot be read"),
        ({"Key": "S3FileUrl", "Values": ["/etc/passwd"]}, "not of the form s3://BUCKET/KEY"),
        ({"Key": "S3FileUrl", "Values": ["http://127.0.0.1/a.py"]}, "not of the form"),
        ({"Key": "S3FileUrl", "Values": [f"s3://{BUCKET}"]}, "names no object"),
        ({"Values": [PLACE]}, "a Key that is one of S3FileUrl"),
        ({"Key": "AttachmentReference", "Values": ["Tools"]}, "of the form DOCUMENT/VERSION/FILE"),
        ({"Key": "AttachmentReference", "Values": ["No/1/a.py"]}, "that you may read"),
    ],
)
def test_a_source_that_cannot_be_read(ada: Any, source: dict[str, Any], told: str) -> None:
    with refused("InvalidDocumentContent", journalled=True) as message:
        create(ada, TOOL_ONLY, source)
    assert told in message[0]


def test_a_file_that_is_too_large_is_not_read(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.library.attachment_sources.MOST_BYTES", 10)
    with refused("InvalidDocumentContent") as message:
        create(ada, TOOL_ONLY, from_s3())
    assert f"It has {len(TOOL)} bytes, more than 10" in message[0]


def test_the_role_reads_only_what_its_caller_may_read(
    people: dict[str, User], client_of: ClientOf
) -> None:
    policy = Policy.objects.create(name="write", document={
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}],
    })  # fmt: skip
    people["viewer"].principals.get().policies.set([policy])
    with refused("AccessDeniedException", journalled=True) as message:
        create(client_of("viewer"), TOOL_ONLY, from_s3())
    assert f"s3:GetObject on arn:aws:s3:::{BUCKET}/code/tool.py" in message[0]


def test_whoever_may_not_create_makes_us_read_nothing(
    client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.aws.fetch_object", lambda *place: pytest.fail(f"{place} read"))
    with refused("AccessDeniedException", journalled=True):
        create(client_of("operator"), TOOL_ONLY, from_s3())


def test_an_update_keeps_what_stays_and_takes_what_is_new(ada: Any) -> None:
    create(ada, TOOL_ONLY, from_s3())
    ada.update_document(
        Name="Tools", Content=BOTH, DocumentVersion="$LATEST", Attachments=[from_s3("data.csv")]
    )
    shown = ada.get_document(Name="Tools", DocumentVersion="2")["AttachmentsContent"]
    assert [one["Name"] for one in shown] == ["data.csv", "tool.py"]
    assert [one["Size"] for one in shown] == [len(DATA), len(TOOL)]
    assert AttachmentContent.objects.count() == 2


def test_a_file_that_became_another_has_to_be_given_again(ada: Any) -> None:
    create(ada, TOOL_ONLY, from_s3())
    with refused("InvalidDocumentContent") as message:
        ada.update_document(Name="Tools", Content=content(("tool.py", DATA)), DocumentVersion="1")
    assert "The latest version has it with SHA-256" in message[0]


def test_a_reference_copies_and_bytes_are_kept_once(ada: Any) -> None:
    create(ada, TOOL_ONLY, from_s3())
    for number, name in enumerate(("Tools", f"arn:aws:ssm:eu-west-1:{PRODUCTION}:document/Tools")):
        source = {"Key": "AttachmentReference", "Values": [f"{name}/1/tool.py"]}
        create(ada, content(("tool.py", TOOL), description=name), source, name=f"Copy{number}")
    assert Attachment.objects.count() == 3
    assert AttachmentContent.objects.count() == 1


def test_a_reference_to_what_one_may_not_read_is_one_to_nothing(
    ada: Any, client_of: ClientOf
) -> None:
    create(ada, TOOL_ONLY, from_s3())
    name = f"arn:aws:ssm:eu-west-1:{PRODUCTION}:document/Tools"
    source = {"Key": "AttachmentReference", "Values": [f"{name}/1/tool.py"]}
    with refused("InvalidDocumentContent") as message:
        create(client_of("outsider"), TOOL_ONLY, source)
    assert "that you may read" in message[0]


def test_bytes_go_with_the_last_version_that_has_them(ada: Any) -> None:
    create(ada, TOOL_ONLY, from_s3())
    source = {"Key": "AttachmentReference", "Values": ["Tools/1/tool.py"]}
    create(ada, content(("tool.py", TOOL), description="b"), source, name="Copy")
    ada.delete_document(Name="Tools")
    assert [bytes(one.data) for one in AttachmentContent.objects.all()] == [TOOL]
    ada.delete_document(Name="Copy")
    assert not AttachmentContent.objects.exists()


def test_attachments_never_change(ada: Any) -> None:
    create(ada, TOOL_ONLY, from_s3())
    with pytest.raises(TypeError, match="never changes"):
        Attachment.objects.update(name="other.py")


def link(client: Any) -> str:
    (shown,) = client.get_document(Name="Tools")["AttachmentsContent"]
    return str(shown["Url"]).removeprefix("http://testserver")


def test_a_link_needs_no_sign_in_and_gives_the_bytes_to_be_saved(ada: Any) -> None:
    create(ada, TOOL_ONLY, from_s3())
    answer = Client().get(link(ada))
    assert answer.content == TOOL
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="tool.py"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"


def test_a_link_ends_after_an_hour(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    create(ada, TOOL_ONLY, from_s3())
    end, path = clock.now() + timedelta(hours=1), link(ada)
    monkeypatch.setattr(clock, "now", lambda: end - timedelta(seconds=1))
    assert Client().get(path).status_code == 200
    monkeypatch.setattr(clock, "now", lambda: end + timedelta(minutes=1))
    assert Client().get(path).status_code == 404


def test_a_forged_link_leads_nowhere(ada: Any) -> None:
    create(ada, TOOL_ONLY, from_s3())
    token = link(ada).split("/")[2]
    other = token[:8] + ("A" if token[8] != "A" else "B") + token[9:]
    for forged in (other, token + "x", "1", "1:2:3"):
        assert Client().get(f"/attachments/{forged}/").status_code == 404


def test_a_link_is_no_better_than_the_rights_of_whom_it_was_for(
    ada: Any, client_of: ClientOf, people: dict[str, User]
) -> None:
    create(ada, TOOL_ONLY, from_s3())
    path = link(client_of("viewer"))
    assert Client().get(path).status_code == 200
    people["viewer"].principals.get().policies.clear()
    assert Client().get(path).status_code == 404


def test_a_link_dies_with_the_account_of_whom_it_was_for(
    ada: Any, client_of: ClientOf, people: dict[str, User]
) -> None:
    create(ada, TOOL_ONLY, from_s3())
    path = link(client_of("viewer"))
    User.objects.filter(pk=people["viewer"].pk).update(is_active=False)
    assert Client().get(path).status_code == 404


def test_a_link_of_another_account_dies_with_the_sharing(ada: Any, client_of: ClientOf) -> None:
    create(ada, TOOL_ONLY, from_s3())
    name = f"arn:aws:ssm:eu-west-1:{PRODUCTION}:document/Tools"
    share = {"Name": "Tools", "PermissionType": "Share"}
    ada.modify_document_permission(**share, AccountIdsToAdd=["444455556666"])
    (shown,) = client_of("outsider").get_document(Name=name)["AttachmentsContent"]
    path = shown["Url"].removeprefix("http://testserver")
    assert Client().get(path).status_code == 200
    ada.modify_document_permission(**share, AccountIdsToRemove=["444455556666"])
    assert Client().get(path).status_code == 404

"""Which documents a list shows, and who may do what with a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from executions.models import DocumentVersion, JournalEntry
from tests.api.conftest import ClientOf, create, refused
from tests.api.test_documents import AMAZON, OTHER, update

WRITES: dict[str, Callable[[Any], Any]] = {
    "CreateDocument": lambda client: create(client, "Three"),
    "UpdateDocument": update,
    "UpdateDocumentDefaultVersion": lambda client: client.update_document_default_version(
        Name="Two", DocumentVersion="1"
    ),
    "DeleteDocument": lambda client: client.delete_document(Name="Two"),
    "ModifyDocumentPermission": lambda client: client.modify_document_permission(
        Name="Two", PermissionType="Share", AccountIdsToAdd=["444455556666"]
    ),
}
READS: dict[str, Callable[[Any], Any]] = {
    "GetDocument": lambda client: client.get_document(Name="Two"),
    "DescribeDocument": lambda client: client.describe_document(Name="Two"),
    "ListDocumentVersions": lambda client: client.list_document_versions(Name="Two"),
    "DescribeDocumentPermission": lambda client: client.describe_document_permission(
        Name="Two", PermissionType="Share"
    ),
}


@pytest.mark.parametrize("operation", WRITES)
def test_only_who_may_write(client_of: ClientOf, two: str, operation: str) -> None:
    for kind in ("operator", "approver", "viewer", "stranger"):
        with refused("AccessDeniedException", journalled=True):
            WRITES[operation](client_of(kind))
    if operation != "CreateDocument":
        with refused("InvalidDocument"):
            WRITES[operation](client_of("outsider"))
    WRITES[operation](client_of("administrator"))
    entry = JournalEntry.objects.filter(action=f"ssm:{operation}").last()
    assert entry
    assert entry.granted


@pytest.mark.parametrize("operation", READS)
def test_only_who_may_read(client_of: ClientOf, two: str, operation: str) -> None:
    for kind in ("operator", "approver", "viewer", "administrator"):
        assert READS[operation](client_of(kind))
    with refused("AccessDeniedException", journalled=False):
        READS[operation](client_of("stranger"))
    with refused("InvalidDocument", journalled=False):
        READS[operation](client_of("outsider"))


def test_nobody_changes_what_is_amazons(ada: Any, predefined: None) -> None:
    with refused("AccessDeniedException", journalled=True):
        ada.delete_document(Name=AMAZON)
    assert DocumentVersion.objects.filter(document__name=AMAZON).exists()


def names(client: Any, *filters: tuple[str, list[str]], **more: Any) -> list[str]:
    """Names of the documents that match."""
    wanted = [{"Key": key, "Values": values} for key, values in filters]
    found = client.list_documents(Filters=wanted, **more)["DocumentIdentifiers"]
    return [str(one["Name"]) for one in found]


def test_filters_of_documents(ada: Any, predefined: None, two: str) -> None:
    create(ada, "Typed", OTHER, TargetType="/AWS::RDS::DBInstance",
           Tags=[{"Key": "team", "Value": "a"}])  # fmt: skip
    amazon = names(ada, ("Owner", ["Amazon"]))
    assert AMAZON in amazon
    everything = [*amazon, "Two", "Typed"]
    matching: list[tuple[list[tuple[str, list[str]]], list[str]]] = [
        ([], everything),
        ([("Owner", ["Self"])], ["Two", "Typed"]),
        ([("Owner", ["Private"])], []),
        ([("Owner", ["Public"])], amazon),
        ([("Owner", ["ThirdParty"])], []),
        ([("Name", ["Tw", "Ty"])], ["Two", "Typed"]),
        ([("Name", ["yped"])], []),
        ([("SearchKeyword", ["yped"])], ["Typed"]),
        ([("DocumentType", ["Automation"])], everything),
        ([("DocumentType", ["Command"])], []),
        ([("PlatformTypes", ["Linux"])], everything),
        ([("PlatformTypes", ["BeOS"])], []),
        ([("TargetType", ["/AWS::RDS::DBInstance"]), ("Owner", ["Self"])], ["Typed"]),
        ([("tag:team", ["a", "b"])], ["Typed"]),
        ([("tag:team", ["b"])], []),
    ]
    for filters, expected in matching:
        assert names(ada, *filters) == expected, filters


def test_filters_in_the_old_form(ada: Any, predefined: None, two: str) -> None:
    old = [{"key": "Owner", "value": "Self"}, {"key": "Name", "value": "T"}]
    found = ada.list_documents(DocumentFilterList=old)["DocumentIdentifiers"]
    assert [one["Name"] for one in found] == ["Two"]
    assert found[0]["Owner"] == "111122223333"


@pytest.mark.parametrize(
    "filters",
    [
        [{"Key": "Colour", "Values": ["red"]}],
        [{"Key": "Owner", "Values": ["Self", "Amazon"]}],
        [{"Key": "Owner", "Values": ["Nobody"]}],
        [{"Key": "Owner", "Values": ["Self"]}, {"Key": "Owner", "Values": ["Amazon"]}],
        [{"Key": "tag:a", "Values": ["x"]}, {"Key": "tag:b", "Values": ["x"]}],
        [{"Key": "Name"}],
        [{"Values": ["x"]}],
    ],
)
def test_filter_that_there_is_not(ada: Any, filters: list[dict[str, Any]]) -> None:
    with refused("InvalidFilterKey"):
        ada.list_documents(Filters=filters)


def test_who_may_list(client_of: ClientOf, two: str) -> None:
    for kind in ("operator", "approver", "viewer", "administrator"):
        assert names(client_of(kind)) == ["Two"]
    assert names(client_of("outsider")) == []
    with refused("AccessDeniedException", journalled=False):
        names(client_of("stranger"))

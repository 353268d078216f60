"""Documents that other accounts may use, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import ClientOf, create, refused, start
from tests.api.test_document_lists import names
from tests.api.test_documents import update

STAGING = "444455556666"
ARN = "arn:aws:ssm:eu-west-1:111122223333:document/Two"
SETTING = "/ssm/documents/console/public-sharing-permission"


def share(client: Any, *accounts: str, name: str = "Two", **more: Any) -> None:
    """Share with accounts."""
    client.modify_document_permission(
        Name=name, PermissionType="Share", AccountIdsToAdd=list(accounts), **more
    )


def unshare(client: Any, *accounts: str, **more: Any) -> None:
    """Stop it."""
    client.modify_document_permission(
        Name="Two", PermissionType="Share", AccountIdsToRemove=list(accounts), **more
    )


def shared_with(client: Any) -> list[str]:
    """The accounts."""
    found = client.describe_document_permission(Name="Two", PermissionType="Share")
    return list(found["AccountIds"])


@pytest.fixture
def oscar(client_of: ClientOf) -> Any:
    """The administrator of the other account."""
    return client_of("outsider")


def test_shared_runbook_runs_in_the_consumers_account(ada: Any, oscar: Any, two: str) -> None:
    share(ada, STAGING)
    assert names(oscar, ("Owner", ["Private"])) == [two]
    assert oscar.get_document(Name=ARN)["DocumentVersion"] == "1"
    with refused("InvalidDocument"):
        oscar.get_document(Name=two)  # without its ARN it is not found
    run = start(oscar, ARN)
    found = oscar.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]
    assert found["ExecutedBy"] == f"arn:aws:iam::{STAGING}:user/oscar"
    with refused("AutomationExecutionNotFoundException"):
        ada.get_automation_execution(AutomationExecutionId=run)


def test_no_longer_shared_is_at_once_unusable(ada: Any, oscar: Any, two: str) -> None:
    share(ada, STAGING)
    start(oscar, ARN)
    unshare(ada, STAGING)
    with refused("AutomationDefinitionNotFoundException"):
        start(oscar, ARN)
    assert names(oscar) == []


def test_consumer_sees_no_tags_of_the_owner(ada: Any, oscar: Any, two: str) -> None:
    share(ada, STAGING)
    tags = [{"Key": "team", "Value": "a"}]
    ada.add_tags_to_resource(ResourceType="Document", ResourceId=two, Tags=tags)
    assert ada.describe_document(Name=two)["Document"]["Tags"] == tags
    assert oscar.describe_document(Name=ARN)["Document"].get("Tags", []) == []
    with refused("InvalidResourceId"):
        oscar.list_tags_for_resource(ResourceType="Document", ResourceId=two)


@pytest.mark.parametrize(
    ("version", "usable"), [("$DEFAULT", {"1"}), ("$LATEST", {"2"}), ("$ALL", {"1", "2"})]
)
def test_only_the_shared_version_is_usable(
    ada: Any, oscar: Any, two: str, version: str, usable: set[str]
) -> None:
    update(ada)
    share(ada, STAGING, SharedDocumentVersion=version)
    info = ada.describe_document_permission(Name=two, PermissionType="Share")
    assert info["AccountSharingInfoList"] == [
        {"AccountId": STAGING, "SharedDocumentVersion": version}
    ]
    versions = oscar.list_document_versions(Name=ARN)["DocumentVersions"]
    assert {one["DocumentVersion"] for one in versions} == usable
    for number in ("1", "2"):
        if number in usable:
            assert oscar.get_document(Name=ARN, DocumentVersion=number)
            assert start(oscar, ARN, DocumentVersion=number)
        else:
            with refused("InvalidDocumentVersion"):
                oscar.get_document(Name=ARN, DocumentVersion=number)
            with refused("AutomationDefinitionVersionNotFoundException"):
                start(oscar, ARN, DocumentVersion=number)


def test_taking_back_wins(ada: Any, two: str) -> None:
    share(ada, STAGING, "555566667777", AccountIdsToRemove=[STAGING])
    assert shared_with(ada) == ["555566667777"]
    unshare(ada, "999999999999")  # one that it is not shared with is no error
    assert shared_with(ada) == ["555566667777"]


def test_everyone_or_accounts_and_not_both(ada: Any, oscar: Any, two: str) -> None:
    share(ada, "All")
    assert shared_with(ada) == ["all"]
    assert names(oscar, ("Owner", ["Public"])) == [two]
    assert start(oscar, ARN)
    with refused("DocumentPermissionLimit", journalled=True):
        share(ada, STAGING)
    share(ada, STAGING, AccountIdsToRemove=["all"])
    assert shared_with(ada) == [STAGING]


def test_five_documents_for_everyone(ada: Any, two: str) -> None:
    for number in range(5):
        share(ada, "all", name=create(ada, f"Public-{number}"))
    share(ada, "all", name="Public-0")  # again is not one more
    with refused("DocumentLimitExceeded", journalled=True):
        share(ada, "all")


def test_limit_of_accounts(ada: Any, two: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executions.library.changes.MOST_SHARED", 2)
    share(ada, "555566667777", "666677778888")
    with refused("DocumentPermissionLimit"):
        share(ada, STAGING)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, "ValidationException"),
        ({"AccountIdsToAdd": ["12345"]}, "ValidationException"),
        ({"AccountIdsToAdd": [f"{n:012}" for n in range(21)]}, "ValidationException"),
        ({"PermissionType": "Lend", "AccountIdsToAdd": [STAGING]}, "ValidationException"),
        ({"Name": "Nothing", "AccountIdsToAdd": [STAGING]}, "InvalidDocument"),
    ],
)
def test_sharing_that_cannot_be(ada: Any, two: str, more: dict[str, Any], code: str) -> None:
    with refused(code):
        ada.modify_document_permission(**{"Name": two, "PermissionType": "Share", **more})


# -- the setting


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_setting_forbids_sharing_with_everyone(
    client_of: ClientOf, ada: Any, two: str, region: str
) -> None:
    client_of("administrator", region).update_service_setting(
        SettingId=SETTING, SettingValue="Disable"
    )
    with refused("AccessDeniedException", journalled=True) as message:
        share(ada, "all")
    assert SETTING in message[0]
    share(ada, STAGING)
    client_of("administrator", region).reset_service_setting(SettingId=SETTING)
    share(ada, "all", AccountIdsToRemove=[STAGING])
    assert shared_with(ada) == ["all"]


def test_setting_is_of_its_account(ada: Any, oscar: Any, two: str) -> None:
    oscar.update_service_setting(SettingId=SETTING, SettingValue="Disable")
    share(ada, "all")
    assert shared_with(ada) == ["all"]

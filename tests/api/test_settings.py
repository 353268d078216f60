"""The settings of the automation service, by account and Region."""

from __future__ import annotations

from typing import Any

import pytest

from executions.service_settings import DEFAULTS
from tests.api.conftest import ClientOf, refused

LIMIT = "/ssm/automation/throttling-retry-time-limit"


def get(client: Any, setting: str = LIMIT) -> dict[str, Any]:
    """ServiceSetting."""
    return dict(client.get_service_setting(SettingId=setting)["ServiceSetting"])


def put(client: Any, value: str, setting: str = LIMIT) -> None:
    """Change it."""
    client.update_service_setting(SettingId=setting, SettingValue=value)


@pytest.mark.parametrize("setting", DEFAULTS)
def test_default(ada: Any, setting: str) -> None:
    assert get(ada, setting) == {
        "SettingId": setting,
        "SettingValue": DEFAULTS[setting],
        "LastModifiedUser": "System",
        "ARN": f"arn:aws:ssm:eu-west-1:111122223333:servicesetting{setting}",
        "Status": "Default",
    }


def test_change_and_reset(ada: Any) -> None:
    put(ada, "60")
    changed = get(ada)
    assert (changed["SettingValue"], changed["Status"]) == ("60", "Customized")
    assert changed["LastModifiedUser"] == "arn:aws:iam::111122223333:user/ada"
    assert changed["LastModifiedDate"]
    put(ada, "0")
    assert get(ada, changed["ARN"])["SettingValue"] == "0"
    assert ada.reset_service_setting(SettingId=LIMIT)["ServiceSetting"]["Status"] == "Default"
    assert get(ada)["SettingValue"] == "3600"


def test_of_an_account_and_a_region(client_of: ClientOf) -> None:
    put(client_of("administrator"), "60")
    for other in (client_of("administrator", "us-east-1"), client_of("outsider")):
        assert get(other)["SettingValue"] == "3600"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (LIMIT, "3601"),
        (LIMIT, "-1"),
        (LIMIT, "long"),
        ("/ssm/automation/enable-adaptive-concurrency", "Perhaps"),
        ("/ssm/automation/customer-script-log-destination", "S3"),
        ("/ssm/documents/console/public-sharing-permission", "True"),
    ],
)
def test_value_that_it_cannot_have(ada: Any, setting: str, value: str) -> None:
    with refused("ValidationException", journalled=True):
        put(ada, value, setting)


@pytest.mark.parametrize(
    "setting",
    [
        "/ssm/parameter-store/default-parameter-tier",
        f"arn:aws:ssm:us-east-1:111122223333:servicesetting{LIMIT}",
        f"arn:aws:ssm:eu-west-1:444455556666:servicesetting{LIMIT}",
        "x",
    ],
)
def test_setting_that_there_is_not(ada: Any, setting: str) -> None:
    calls = (get, lambda client, name: put(client, "1", name),
             lambda client, name: client.reset_service_setting(SettingId=name))  # fmt: skip
    for call in calls:
        with refused("ServiceSettingNotFound"):
            call(ada, setting)


def test_who_may(client_of: ClientOf) -> None:
    for kind in ("operator", "approver", "viewer", "stranger"):
        client = client_of(kind)
        with refused("AccessDeniedException", journalled=True):
            put(client, "60")
        with refused("AccessDeniedException", journalled=True):
            client.reset_service_setting(SettingId=LIMIT)
    assert get(client_of("viewer"))["Status"] == "Default"
    with refused("AccessDeniedException"):
        get(client_of("stranger"))

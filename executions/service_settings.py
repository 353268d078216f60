"""The account's settings of the automation service, by their ids in the SSM API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from executions import clock
from executions.errors import BadParameters, NotAllowed, NotFound
from executions.events import asked
from executions.models import ServiceSetting

if TYPE_CHECKING:
    from console.iam.models import User

# AWS, "Service settings": the id and its default.
DEFAULTS: Final[dict[str, str]] = {
    "/ssm/automation/customer-script-log-destination": "None",
    "/ssm/automation/customer-script-log-group-name": "/aws/ssm/automation/executeScript",
    "/ssm/automation/enable-adaptive-concurrency": "False",
    "/ssm/automation/throttling-retry-time-limit": "3600",
    "/ssm/documents/console/public-sharing-permission": "Enable",
}
ALLOWED: Final[dict[str, frozenset[str]]] = {
    "/ssm/automation/customer-script-log-destination": frozenset({"None", "CloudWatch"}),
    "/ssm/automation/enable-adaptive-concurrency": frozenset({"True", "False"}),
    "/ssm/documents/console/public-sharing-permission": frozenset({"Enable", "Disable"}),
}
LONGEST_RETRY: Final = 3600


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it is in force; `changed_by` is empty for a default."""

    setting_id: str
    value: str
    arn: str
    changed_at: datetime | None = None
    changed_by: str = ""


def read(setting_id: str, *, region: str, by: User) -> Setting:
    """What is in force; NotFound for an id that the service does not have."""
    name, arn = _name(setting_id, region, by)
    if not by.has_perm("ssm:GetServiceSetting", arn):
        raise NotAllowed(f"You may not read the setting {name}.")
    return _setting(name, arn, region, by)


def write(setting_id: str, value: str, *, region: str, by: User) -> None:
    """Set it for the account and Region."""
    name, arn = _name(setting_id, region, by)
    with asked(by, "ssm:UpdateServiceSetting", arn) as entry:
        entry.data = {"value": value}
        if not by.has_perm("ssm:UpdateServiceSetting", arn):
            raise NotAllowed(f"You may not change the setting {name}.")
        if problem := _problem(name, value):
            raise BadParameters({"value": [problem]}, code="ValidationException")
        ServiceSetting.objects.update_or_create(
            account_id=_account(by),
            region=region,
            setting_id=name,
            defaults={"value": value, "changed_at": clock.now(), "changed_by": _arn_of(by)},
        )


def reset(setting_id: str, *, region: str, by: User) -> Setting:
    """Back to the default."""
    name, arn = _name(setting_id, region, by)
    with asked(by, "ssm:ResetServiceSetting", arn):
        if not by.has_perm("ssm:ResetServiceSetting", arn):
            raise NotAllowed(f"You may not reset the setting {name}.")
        ServiceSetting.objects.filter(
            account_id=_account(by), region=region, setting_id=name
        ).delete()
    return _setting(name, arn, region, by)


def is_set_anywhere(account_id: str, setting_id: str, value: str) -> bool:
    """Whether a Region of the account has this value, which is not the default."""
    return ServiceSetting.objects.filter(
        account_id=account_id, setting_id=setting_id, value=value
    ).exists()


def _setting(name: str, arn: str, region: str, by: User) -> Setting:
    row = ServiceSetting.objects.filter(
        account_id=_account(by), region=region, setting_id=name
    ).first()
    if row is None:
        return Setting(name, DEFAULTS[name], arn)
    return Setting(name, row.value, arn, row.changed_at, row.changed_by)


def _problem(name: str, value: str) -> str:
    allowed = ALLOWED.get(name)
    if allowed and value not in allowed:
        return f"{name} is {' or '.join(sorted(allowed))}, not {value!r}."
    is_number = value.isdecimal() and int(value) <= LONGEST_RETRY
    if name.endswith("retry-time-limit") and not is_number:
        return f"{name} is a number of seconds from 0 to {LONGEST_RETRY}, not {value!r}."
    return ""


def _name(setting_id: str, region: str, by: User) -> tuple[str, str]:
    """The setting's own id and its ARN, from either of them."""
    prefix = f"arn:aws:ssm:{region}:{_account(by)}:servicesetting"
    name = setting_id.removeprefix(prefix)
    name = name if name.startswith("/") else f"/{name}"
    if name not in DEFAULTS:
        raise NotFound(f"There is no setting {setting_id}.", code="ServiceSettingNotFound")
    return name, f"{prefix}{name}"


def _account(by: User) -> str:
    return by.principal.account_id if by.principal else ""


def _arn_of(by: User) -> str:
    return by.principal.arn if by.principal else ""

"""Who calls: access keys to principals, and AssumeRole under the role's trust policy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.iam.models import Role, iam_backends
from moto.sts.models import STSBackend, sts_backends
from moto.sts.responses import TokenResponse

from console.simulator.answers import RefusedError, Style
from console.simulator.trust import CONTEXT_KEYS, Caller, is_trusted

HUB_ACCOUNT = DEFAULT_ACCOUNT_ID
HUB_USER = f"arn:aws:iam::{HUB_ACCOUNT}:user/countersign"
ROLE_ARN = re.compile(r"arn:aws:iam::(\d{12}):role/(?:.+/)?([^/]+)")

# What each protocol says of a session it never issued.
UNKNOWN_KEY: dict[Style, tuple[str, int]] = {
    "ec2": ("AuthFailure", 401),
    "query": ("InvalidClientTokenId", 403),
    "s3": ("InvalidAccessKeyId", 403),
    "json": ("UnrecognizedClientException", 400),
}


HUB = Caller(HUB_ACCOUNT, HUB_USER)


class Identities:
    """Knows every access key this process issued. Callers hold the simulator's lock."""

    def __init__(self) -> None:
        self._sessions: dict[str, Caller] = {}

    def install(self) -> None:
        """Put trust policies and honest identities in moto's STS, once per process."""
        assume = TokenResponse.assume_role
        setattr(TokenResponse, assume.__name__, self._wrap_assume_role(assume))
        identify = STSBackend.get_caller_identity
        setattr(STSBackend, identify.__name__, self._wrap_caller_identity(identify))

    def find(self, access_key: str) -> Caller | None:
        """The principal behind `access_key`.

        Any key nobody issued is the hub's own user, for workers need no setup;
        but an unknown session key (ASIA...) is None: it would act in the wrong account.
        """
        if access_key in self._sessions:
            return self._sessions[access_key]
        for account, backends in list(iam_backends.items()):
            user = backends["aws"].get_user_from_access_key_id(access_key)
            if user is not None:
                return Caller(account, user.arn)
        return None if access_key.startswith("ASIA") else HUB

    def lend(self, role_arn: str, name: str, region: str) -> dict[str, str]:
        """A session of a role for a service that acts as it, as environment variables.

        RefusedError where there is no such role. Whom it trusts is not looked at: that is
        for roles which people and other accounts assume.
        """
        if _find_role(role_arn) is None:
            raise RefusedError(
                "AccessDeniedException", f"The role {role_arn} cannot be assumed: it is not there."
            )
        account = role_arn.split(":")[4]
        session = sts_backends[account]["aws"].assume_role(region, name, role_arn, "", 3600, "")
        self._sessions[session.access_key_id] = Caller(account, session.arn, role_arn)
        return {
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
            "AWS_SESSION_TOKEN": session.session_token,
        }

    def _wrap_assume_role(
        self, assume: Callable[[TokenResponse], ActionResult]
    ) -> Callable[[TokenResponse], ActionResult]:
        def assume_role(response: TokenResponse) -> ActionResult:
            caller = self.find(response.access_key) or HUB
            request = {name: response.params.get(name) for name in CONTEXT_KEYS.values()}
            role_arn = str(response.params.get("RoleArn"))
            _require_trust(role_arn, caller, request, tagged=bool(response.params.get("Tags")))
            result = assume(response)
            details = cast(dict[str, Any], result.result)
            if request["SourceIdentity"]:
                details["SourceIdentity"] = request["SourceIdentity"]
            session = details["Credentials"]
            self._sessions[session.access_key_id] = Caller(
                session.account_id, session.arn, role_arn
            )
            return result

        return assume_role

    def _wrap_caller_identity(
        self, identify: Callable[[STSBackend, str, str], tuple[str, str, str]]
    ) -> Callable[[STSBackend, str, str], tuple[str, str, str]]:
        def get_caller_identity(
            backend: STSBackend, access_key_id: str, region: str
        ) -> tuple[str, str, str]:
            user_id, arn, account = identify(backend, access_key_id, region)
            return (
                (user_id, HUB_USER, account)
                if arn.endswith(":user/moto")
                else (user_id, arn, account)
            )

        return get_caller_identity


def refuse_unknown_key(style: Style) -> RefusedError:
    code, status = UNKNOWN_KEY[style]
    return RefusedError(code, "The security token included in the request is invalid.", status)


def _require_trust(role_arn: str, caller: Caller, request: Mapping[str, Any], tagged: bool) -> None:
    if not ROLE_ARN.fullmatch(role_arn):
        raise RefusedError("ValidationError", f"{role_arn} is invalid")
    actions = ["sts:AssumeRole"]
    if request["SourceIdentity"]:
        actions.append("sts:SetSourceIdentity")
    if tagged:
        actions.append("sts:TagSession")
    role = _find_role(role_arn)
    policy = json.loads(role.assume_role_policy_document) if role else {}
    for action in actions:
        if not is_trusted(policy, caller, action, request):
            raise RefusedError(
                "AccessDenied",
                f"User: {caller.arn} is not authorized to perform: {action} "
                f"on resource: {role_arn}",
                403,
            )


def _find_role(role_arn: str) -> Role | None:
    account = role_arn.split(":")[4]
    if account not in iam_backends:
        return None
    return next((r for r in iam_backends[account]["aws"].get_roles() if r.arn == role_arn), None)

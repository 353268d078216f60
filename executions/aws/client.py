"""Making calls: whose credentials, how long to wait, one attempt, and what the answer means."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import botocore
from botocore import exceptions as boto
from botocore.config import Config
from botocore.response import StreamingBody
from django.conf import settings

from executions import clock
from executions.aws.errors import AwsError, AwsRefused, NotSent, OutcomeUnknown, Throttled
from executions.aws.operations import Operation, core

THROTTLED: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "SlowDown",
    }
)
SESSION_ENDED: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "RequestExpired",
        "UnrecognizedClientException",
    }
)
# These answer when the work is done: a shorter time-out would lose the answer of work that goes on.
SLOW: Final = {("lambda", "Invoke"): timedelta(seconds=310)}
REFRESH: Final = timedelta(minutes=5)
HTTP_TOO_MANY, HTTP_SERVER_ERROR = 429, 500
CONSOLE: Final = "Countersign-console"  # session_name of what is read for pages and before starts


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom calls are made: a role of an account, in a session that says what for."""

    account_id: str
    role_arn: str
    session_name: str
    external_id: str = ""


# Asked just before the first byte leaves: between a call's intent and that, a host may stand still.
_latest: ContextVar[datetime | None] = ContextVar("latest", default=None)
_lock = threading.Lock()
_clients: dict[tuple[Identity, str, str, timedelta], tuple[Any, datetime]] = {}


def call(
    identity: Identity, region: str, target: Operation, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Make one call, once. Answers with the response (JSON values) or one of the errors above."""

    def ask(client: Any) -> dict[str, Any]:
        method = getattr(client, botocore.xform_name(target.name))
        return guarded(method, dict(request))

    answer: dict[str, Any] = _jsonable(in_session(identity, region, target, ask))
    return answer


def in_session(
    identity: Identity, region: str, target: Operation, ask: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """What `ask` makes of a client for an operation; once more if AWS has ended its session."""
    wait = read_time(target)
    client, is_new = _client(identity, region, target.service, wait)
    try:
        return ask(client)
    except AwsRefused as refusal:
        if is_new or refusal.code not in SESSION_ENDED:
            raise
        with _lock:  # nothing has happened: the same again, in a new session
            _clients.pop((identity, region, target.service, wait), None)
        return in_session(identity, region, target, ask)


@contextmanager
def not_after(moment: datetime) -> Iterator[None]:
    """Send nothing inside after this moment; NotSent instead."""
    token = _latest.set(moment)
    try:
        yield
    finally:
        _latest.reset(token)


def refuse_late(**_: Any) -> None:
    """Raise NotSent if it is later than `not_after` allows."""
    latest = _latest.get()
    if latest is not None and clock.now() > latest:
        raise NotSent(f"This worker was held up until after {latest:%H:%M:%S} UTC.", "HeldUp")


def lend(identity: Identity, region: str, lasting: timedelta) -> dict[str, str]:
    """A new session of the role, as the environment variables that every SDK reads."""
    credentials = _assume(identity, region, lasting)
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def call_time(target: Operation | None = None) -> timedelta:
    """The longest that one call can take, of the operation or of most."""
    total: timedelta = settings.AWS_CONNECT_TIMEOUT + read_time(target)
    return total


def read_time(target: Operation | None) -> timedelta:
    """How long AWS may be silent in a call."""
    usual: timedelta = settings.AWS_READ_TIMEOUT
    return max(usual, SLOW.get((target.service, target.name), usual)) if target else usual


def guarded(method: Any, request: dict[str, Any]) -> dict[str, Any]:
    """The response of a client's method, or one of our errors for botocore's."""
    try:
        response: dict[str, Any] = _read_streams(method(**request))
    except boto.ClientError as error:
        raise _client_error(error) from error
    except boto.ParamValidationError as error:
        raise AwsRefused(str(error), "ParamValidation") from error
    except (boto.NoCredentialsError, boto.NoRegionError) as error:
        raise AwsRefused(str(error)) from error
    except (boto.ConnectTimeoutError, boto.EndpointConnectionError, boto.ProxyConnectionError) as e:
        raise NotSent(str(e)) from e
    except (boto.HTTPClientError, boto.BotoCoreError) as error:
        raise OutcomeUnknown(str(error)) from error
    return response


def _read_streams(response: dict[str, Any]) -> dict[str, Any]:
    """The response with the text of a stream in its place."""
    return {
        name: value.read().decode(errors="replace") if isinstance(value, StreamingBody) else value
        for name, value in response.items()
    }


def _client_error(error: boto.ClientError) -> AwsError:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "") or str(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if code in THROTTLED or status == HTTP_TOO_MANY:
        return Throttled(message, code)
    if status >= HTTP_SERVER_ERROR:
        return OutcomeUnknown(message, code)
    return AwsRefused(message, code)


def _client(identity: Identity, region: str, service: str, wait: timedelta) -> tuple[Any, bool]:
    """A client with credentials that last a while yet, and whether it was made just now."""
    key, now = (identity, region, service, wait), clock.now()
    with _lock:
        client, until = _clients.get(key, (None, now))
        if client is not None and now < until:
            return client, False
        for old in [old for old, (_, expiry) in _clients.items() if expiry <= now]:
            del _clients[old]
    credentials = _assume(identity, region)
    client = _build(service, region, wait, credentials)
    with _lock:
        _clients[key] = (client, credentials["Expiration"] - REFRESH)
    return client, True


def _build(
    service: str, region: str, wait: timedelta, credentials: Mapping[str, Any] | None = None
) -> Any:
    keys = (
        {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        if credentials
        else {}
    )
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=settings.AWS_CONNECT_TIMEOUT.total_seconds(),
        read_timeout=wait.total_seconds(),
        user_agent_extra="countersign",
        tcp_keepalive=True,
    )
    client = core.create_client(
        service,
        region_name=region,
        endpoint_url=settings.AWS_ENDPOINT_URL or None,
        config=config,
        **keys,
    )
    client.meta.events.register("before-send", refuse_late)
    return client


def _assume(
    identity: Identity, region: str, lasting: timedelta = timedelta(hours=1)
) -> dict[str, Any]:
    """Credentials of the role; refused if AWS hands out those of another account."""
    request = {
        "RoleArn": identity.role_arn,
        "RoleSessionName": identity.session_name[:64],
        "DurationSeconds": int(lasting.total_seconds()),
    }
    if identity.external_id:
        request["ExternalId"] = identity.external_id
    try:
        answer = guarded(_build("sts", region, read_time(None)).assume_role, request)
    except OutcomeUnknown as error:  # a session more or less changes nothing
        raise NotSent(str(error), error.code) from error
    arn = answer["AssumedRoleUser"]["Arn"]
    if arn.split(":")[4] != identity.account_id:
        raise AwsRefused(f"AssumeRole answered with {arn}, which is in another account.")
    credentials: dict[str, Any] = answer["Credentials"]
    return credentials


def _jsonable(value: Any) -> Any:
    """Times as ISO 8601 in UTC, bytes as base64, and no NUL, which PostgreSQL does not keep."""
    if isinstance(value, dict):
        return {_jsonable(str(key)): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (int, float, bool, type(None))):
        return value
    return str(value).replace("\x00", "\ufffd")

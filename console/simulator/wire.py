"""What an AWS request says: service, operation, Region, access key, parameters."""

from __future__ import annotations

import functools
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from werkzeug.exceptions import HTTPException

from console.simulator.answers import Style, choose_style

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
LONGEST_TEXT = 1000  # characters of one parameter kept in the call log
DEFAULT_REGION = "us-east-1"
TOKEN_NAMES = ("ClientToken", "ClientRequestToken", "clientToken", "clientRequestToken")

# What can go wrong in reading a request that moto itself may still answer.
UNREADABLE = (
    HTTPException,
    LookupError,
    NotImplementedError,
    OperationNotFoundError,
    RecursionError,
    RequestParserError,
    TypeError,
    UnknownServiceError,
    ValueError,
)


@dataclass(frozen=True)
class AwsRequest:
    """One request, read but not yet acted on. `service` is the name boto3 has for it."""

    body: bytes
    service: str
    served: bool
    operation: str
    parameters: dict[str, Any]
    region: str
    access_key: str
    user_agent: str
    style: Style

    @property
    def client_token(self) -> str | None:
        tokens = (self.parameters.get(name) for name in TOKEN_NAMES)
        return next((token for token in tokens if isinstance(token, str)), None)


def read_body(environ: WSGIEnvironment) -> bytes:
    """Take the whole body off the socket and leave a rewound copy in `environ`."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        body: bytes = environ["wsgi.input"].read()
        del environ["HTTP_TRANSFER_ENCODING"]
    else:
        length = environ.get("CONTENT_LENGTH", "")
        body = environ["wsgi.input"].read(int(length) if length.isdecimal() else 0)
    environ["CONTENT_LENGTH"] = str(len(body))
    rewind(environ, body)
    return body


def rewind(environ: WSGIEnvironment, body: bytes) -> None:
    environ["wsgi.input"] = io.BytesIO(body)


def read_request(environ: WSGIEnvironment, dispatcher: DomainDispatcherApplication) -> AwsRequest:
    """Read the request in `environ`; what cannot be made out stays empty. Never raises."""
    body = read_body(environ)
    backend = _find_backend(environ, dispatcher)
    rewind(environ, body)
    request = Request(dict(environ))
    access_key, region, signed_for = _read_credential(environ)
    service = _name_service(backend or signed_for, request)
    rewind(request.environ, body)
    operation, labels = _find_operation(service, request)
    return AwsRequest(
        body=body,
        service=service,
        served=backend is not None,
        operation=operation,
        parameters=_shorten(_read_parameters(service, operation, request, labels)),
        region=region,
        access_key=access_key,
        user_agent=environ.get("HTTP_USER_AGENT", ""),
        style=choose_style(service, environ.get("CONTENT_TYPE", "")),
    )


def _find_backend(environ: WSGIEnvironment, dispatcher: DomainDispatcherApplication) -> str | None:
    """moto's name of the service, or None when moto has no such service."""
    try:
        host = dispatcher.infer_service_region_host(environ, environ.get("PATH_INFO", ""))
    except UNREADABLE:
        return None
    if host is None:  # an unsigned request: moto takes it for one to S3
        return "s3"
    backend: str | None = dispatcher.get_backend_for_host(host)
    return backend


def _read_credential(environ: WSGIEnvironment) -> tuple[str, str, str]:
    """Access key id, Region and signing name from the header or a presigned URL."""
    signed = environ.get("HTTP_AUTHORIZATION") or unquote(environ.get("QUERY_STRING", ""))
    found = CREDENTIAL.search(signed)
    return (found[1], found[2], found[3]) if found else ("", DEFAULT_REGION, "")


@functools.cache
def _client_names() -> dict[str, str]:
    """boto3's name of a service for moto's, which has no hyphens."""
    names = botocore.session.Session().get_available_services()
    return {name.replace("-", ""): name for name in names} | {"awslambda": "lambda"}


def _name_service(backend: str, request: Request) -> str:
    if backend == "elb" and request.values.get("Version") == "2015-12-01":
        return "elbv2"
    return _client_names().get(backend.replace("-", ""), backend)


def _find_operation(service: str, request: Request) -> tuple[str, Mapping[str, Any]]:
    """The operation's name, and the parameters that stand in the path."""
    if action := request.values.get("Action"):
        return action, {}
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2], {}
    try:
        operation, labels = get_service_router(service).match(request)
    except UNREADABLE:
        return "", {}
    return operation.name, labels


def _read_parameters(
    service: str, operation: str, request: Request, labels: Mapping[str, Any]
) -> dict[str, Any]:
    try:
        model = get_service_model(service)
        protocol = determine_request_protocol(model, request.content_type)
        parser = PROTOCOL_PARSERS[protocol](model.operation_model(operation))
        parsed: dict[str, Any] = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": dict(labels),
            }
        )
    except UNREADABLE:
        return _read_unmodelled(request)
    return parsed


def _read_unmodelled(request: Request) -> dict[str, Any]:
    """The body of an operation no model describes: JSON, or a form as it is."""
    try:
        value = json.loads(request.data)
    except (ValueError, RecursionError):
        pairs = parse_qs(request.query_string.decode("latin-1"))
        return {name: values[0] for name, values in pairs.items()} | request.form.to_dict()
    return value if isinstance(value, dict) else {}


def _shorten(value: Any) -> Any:
    """`value` as JSON can hold it, long texts cut, bytes counted rather than kept."""
    if isinstance(value, Mapping):
        return {str(key): _shorten(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shorten(item) for item in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int | float | None):
        return value
    text = str(value)
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"

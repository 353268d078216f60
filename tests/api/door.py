"""boto3 as it is, whose requests go into the API of this process, and whose answers are checked."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.validate import ParamValidator

from console.api import gate, protocol
from console.api.sigv4 import Received
from console.iam import keys
from console.iam.models import User

ENDPOINT = "http://testserver/aws/"
REGION = "eu-west-1"
# The model knows two types of parameters; the answers have the six that documents have.
OPEN_ENUMS = frozenset({"DocumentParameterType"})


class Body(BytesIO):
    """What urllib3 would give botocore."""

    def stream(self) -> list[bytes]:
        """All of it."""
        return [self.read()]


def make_client(user: User, region: str = REGION, **config: Any) -> Any:
    """A client with a new key of the principal that the person acts as."""
    assert user.principal
    key, secret = keys.create(user.principal)
    client = boto3.client(
        "ssm",
        endpoint_url=ENDPOINT,
        region_name=region,
        aws_access_key_id=key.key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )
    client.meta.events.register("before-send.ssm", _send)
    return client


def _send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
    """Answer without a network; what the answer holds must be what the model says."""
    headers = {name.lower(): [_text(value)] for name, value in request.headers.items()}
    url = urlsplit(request.url)
    headers["host"] = [url.netloc]
    assert isinstance(request.body, bytes)
    answer = gate.answer(Received(str(request.method), url.path, headers, request.body))
    if answer.status == 200:
        check(headers["x-amz-target"][0].partition(".")[2], json.loads(answer.body))
    kind = HTTPHeaders.from_dict({"content-type": protocol.CONTENT_TYPE})
    return AWSResponse(request.url, answer.status, kind, Body(answer.body))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def check(operation: str, answer: Any) -> None:
    """botocore's validator has no complaint, and every enumeration has the value."""
    shape = protocol.model().operation_model(operation).output_shape
    if shape is None or not shape.members:
        assert answer == {}
        return
    report = ParamValidator().validate(answer, shape)
    assert not report.has_errors(), report.generate_report()
    assert list(strange(answer, shape, operation)) == []


def strange(value: Any, shape: Any, path: str) -> list[str]:
    """Members that the model does not have, and values that its enumerations do not."""
    if shape.type_name == "structure":
        unknown = [f"{path}.{name}" for name in value if name not in shape.members]
        inner = [(item, shape.members[name], name) for name, item in value.items() if not unknown]
        return unknown + [each for one in inner for each in strange(*one)]
    if shape.type_name == "list":
        return [each for item in value for each in strange(item, shape.member, path)]
    if shape.type_name == "map":
        return [each for item in value.values() for each in strange(item, shape.value, path)]
    enum = getattr(shape, "enum", None)
    if enum and shape.name not in OPEN_ENUMS and value not in enum:
        return [f"{path}: {value} is not one of {enum}"]
    return []

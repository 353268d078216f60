"""Requests made from botocore's shapes, whole and broken, against a live server.

Whatever is sent: the answer is one that botocore's parser reads, an error has a name, and nothing
is our fault.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.parsers import create_parser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.api import protocol
from console.api.operations import OPERATIONS
from console.iam import keys
from console.iam.models import Policy, Principal, User
from executions import clock
from executions.models import Account, Document, DocumentVersion, Execution
from tests.api.conftest import TWO
from tests.api.door import check
from tests.api.signing import make_request, sign
from tests.live.conftest import database, database_file, shared_redis, shared_web
from tests.live.web import DEADLINE, Web

__all__ = ["database", "database_file", "shared_redis", "shared_web"]

ACCOUNT, REGION = "999988887777", "eu-west-1"
RUN = "0f0e0d0c-0000-4000-8000-0a0b0c0d0e0f"
# What is there, by the names of members, so that a request may also succeed.
KNOWN: Mapping[str, list[Any]] = {
    "DocumentName": ["Fuzz", f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/Fuzz", "AWS-None"],
    "Name": ["Fuzz", "Fuzz2", f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/Fuzz"],
    "Content": [TWO, TWO.replace("hello", "bye"), "{}", "- a", "a: &a [*a]"],
    "AutomationExecutionId": [RUN],
    "DocumentVersion": ["1", "2", "$DEFAULT", "$LATEST", "99999999999999999999"],
    "ResourceId": ["Fuzz", RUN],
    "ResourceType": ["Document", "Automation"],
    "SettingId": ["/ssm/documents/console/public-sharing-permission"],
    "SettingValue": ["Enable", "Disable"],
    "StepName": ["first", "second"],
    "PermissionType": ["Share"],
}
SOME = settings(
    max_examples=40,
    deadline=None,
    # The rows that other examples left are as good as any.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def whole(shape: Any, name: str = "", depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that the model allows, as far as patterns can be followed."""
    made = _made(shape, depth)
    known = st.sampled_from(KNOWN.get(name, [None]))
    return st.one_of(known, known, known, made) if name in KNOWN else made


def _made(shape: Any, depth: int) -> st.SearchStrategy[Any]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 3)
    if shape.type_name == "string":
        return _text(shape, least)
    if shape.type_name == "list":
        items = whole(shape.member, depth=depth + 1)
        return st.lists(items, min_size=least, max_size=max(least, min(most, 2)))
    if shape.type_name == "map":
        keys_, values = whole(shape.key, depth=depth + 1), whole(shape.value, depth=depth + 1)
        return st.dictionaries(keys_, values, min_size=least, max_size=max(least, min(most, 2)))
    if shape.type_name == "structure":
        members = {key: whole(one, key, depth + 1) for key, one in shape.members.items()}
        required = {key: members.pop(key) for key in shape.required_members}
        return st.fixed_dictionaries(required, optional=members if depth < 4 else {})
    return st.booleans() if shape.type_name == "boolean" else st.integers(least, most)


def _text(shape: Any, least: int) -> st.SearchStrategy[str]:
    if getattr(shape, "enum", None):
        return st.sampled_from(shape.enum)
    longest = min(shape.metadata.get("max", 60), max(least, 60))
    plain = st.text(min_size=least, max_size=max(least, longest))
    try:
        return st.from_regex(re.compile(shape.metadata["pattern"]), fullmatch=True) | plain
    except (KeyError, re.error):  # none, or one in Java's dialect
        return plain


JUNK: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [None, True, {}, [], "", "\0", "\ud800", "x" * 70_000, 10**400, -1, 2**63, 1e400, "$LATEST"]
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.text(),
    st.recursive(
        st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
)


@st.composite
def broken(draw: st.DrawFn, shape: Any) -> Any:
    """A whole request with one thing wrong somewhere: replaced, missing or more than there is."""
    return _break(draw, draw(whole(shape)))


def _break(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and draw(st.integers(0, 3)):
        if not value or not draw(st.integers(0, 4)):
            return {**value, draw(st.text()): draw(JUNK)}
        key = draw(st.sampled_from(sorted(value)))
        if not draw(st.integers(0, 4)):
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: _break(draw, value[key])}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [_break(draw, value[0]), *value[1:]]
    return draw(JUNK)


class Client:
    """Signs as somebody who may do everything in an account of their own, and reads answers."""

    def __init__(self, port: int, key: tuple[str, str]) -> None:
        self.host, self.key = f"127.0.0.1:{port}", key
        self.connection = http.client.HTTPConnection(self.host, timeout=DEADLINE)

    def send(self, operation: str, body: bytes) -> str:
        """The name of the error; empty if there was none."""
        received = make_request(f"AmazonSSM.{operation}", body, host=self.host)
        received = sign(received, self.key, at=clock.now(), region=REGION)
        headers = {name: values[0] for name, values in received.headers.items()}
        self.connection.request("POST", "/aws/", body, headers)
        answer = self.connection.getresponse()
        return read(operation, answer.status, dict(answer.headers), answer.read())


def read(operation: str, status: int, headers: dict[str, str], body: bytes) -> str:
    """The name of the error of an answer, read by botocore; empty if there was none."""
    shape: Any = protocol.model().operation_model(operation).output_shape
    parsed = create_parser("json").parse(
        {"status_code": status, "headers": headers, "body": body}, shape
    )
    if status == 200:
        check(operation, json.loads(body))
        return ""
    assert status == 400, parsed
    assert re.fullmatch(r"[A-Z][A-Za-z]+", parsed["Error"]["Code"]), parsed
    assert parsed["Error"]["Message"], parsed
    return str(parsed["Error"]["Code"])


@pytest.fixture
def client(database: None, shared_web: Web) -> Iterator[Client]:
    """Of the one person of an account that has a document and an execution."""
    Account.objects.get_or_create(
        account_id=ACCOUNT, defaults={"name": "Fuzz", "regions": [REGION]}
    )
    user, _ = User.objects.get_or_create(username="fuzz")
    arn = f"arn:aws:iam::{ACCOUNT}:user/fuzz"
    principal, _ = Principal.objects.get_or_create(arn=arn, defaults={"user": user})
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything]}
    policy, _ = Policy.objects.get_or_create(name="fuzz", defaults={"document": document})
    principal.policies.set([policy])
    make_run(user, make_version())
    key, secret = keys.create(principal)
    client = Client(shared_web.port, (key.key_id, secret))
    yield client
    client.connection.close()


def make_version() -> DocumentVersion:
    """The document, unless an earlier test left it."""
    document, _ = Document.objects.get_or_create(owner=ACCOUNT, name="Fuzz")
    facts = {"content": TWO, "format": "YAML", "sha256": "0" * 64}
    version, _ = DocumentVersion.objects.get_or_create(document=document, number=1, defaults=facts)
    return version


def make_run(user: User, version: DocumentVersion) -> None:
    """The execution, unless an earlier test left it."""
    Execution.objects.get_or_create(
        pk=RUN,
        defaults={
            "account_id": ACCOUNT,
            "region": REGION,
            "version": version,
            "document_name": "Fuzz",
            "started_by": user,
            "executed_by": f"arn:aws:iam::{ACCOUNT}:user/fuzz",
        },
    )


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
@SOME
@given(data=st.data())
def test_whole_requests(client: Client, operation: str, data: st.DataObject) -> None:
    shape = protocol.model().operation_model(operation).input_shape
    params = data.draw(whole(shape))
    error = client.send(operation, json.dumps(params).encode())
    assert error not in {"SerializationException", "UnknownOperationException"}


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
@SOME
@given(data=st.data())
def test_broken_requests(client: Client, operation: str, data: st.DataObject) -> None:
    shape = protocol.model().operation_model(operation).input_shape
    body = json.dumps(data.draw(broken(shape))).encode()
    client.send(operation, body)


@SOME
@given(body=st.binary(max_size=500), operation=st.sampled_from(sorted(OPERATIONS)))
def test_bytes(client: Client, body: bytes, operation: str) -> None:
    assert client.send(operation, body) != "" or json.loads(body or b"{}") == {}


@pytest.mark.parametrize("operation", ["GetDocument", "GetAutomationExecution", "ListDocuments"])
def test_the_fuzzer_reaches_what_is_there(client: Client, operation: str) -> None:
    """Or else it would only ever see refusals."""
    params = {"Name": "Fuzz"} if operation == "GetDocument" else {}
    if operation == "GetAutomationExecution":
        params = {"AutomationExecutionId": RUN}
    assert client.send(operation, json.dumps(params).encode()) == ""

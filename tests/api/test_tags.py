"""Tags of documents and executions, given at their start or later."""

from __future__ import annotations

from typing import Any

import pytest

from executions.models import Tag
from tests.api.conftest import ClientOf, create, refused, start

TEAM = [{"Key": "team", "Value": "payments"}]


def tags_of(client: Any, kind: str, name: str) -> dict[str, str]:
    """As the API tells them."""
    found = client.list_tags_for_resource(ResourceType=kind, ResourceId=name)["TagList"]
    return {tag["Key"]: tag["Value"] for tag in found}


def add(client: Any, kind: str, name: str, **tags: str) -> None:
    """Add tags."""
    wanted = [{"Key": key, "Value": value} for key, value in tags.items()]
    client.add_tags_to_resource(ResourceType=kind, ResourceId=name, Tags=wanted)


def remove(client: Any, kind: str, name: str, *keys: str) -> None:
    """Take tags away."""
    client.remove_tags_from_resource(ResourceType=kind, ResourceId=name, TagKeys=list(keys))


@pytest.fixture(params=["Document", "Automation"])
def resource(request: pytest.FixtureRequest, olivia: Any, two: str) -> tuple[str, str]:
    """One of each kind."""
    kind = str(request.param)
    return kind, two if kind == "Document" else start(olivia, two)


def test_life_of_tags(olivia: Any, resource: tuple[str, str]) -> None:
    assert tags_of(olivia, *resource) == {}
    add(olivia, *resource, team="a", stage="test")
    add(olivia, *resource, team="b")
    assert tags_of(olivia, *resource) == {"team": "b", "stage": "test"}
    remove(olivia, *resource, "stage", "nothing")
    assert tags_of(olivia, *resource) == {"team": "b"}


def test_given_at_the_start(olivia: Any, ada: Any, two: str) -> None:
    run = start(olivia, two, Tags=TEAM)
    assert tags_of(olivia, "Automation", run) == {"team": "payments"}
    create(ada, "Tagged", Tags=TEAM)
    assert tags_of(olivia, "Document", "Tagged") == {"team": "payments"}


def test_start_with_more_than_five(olivia: Any, two: str) -> None:
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(6)]
    with refused("InvalidAutomationExecutionParametersException", journalled=True):
        start(olivia, two, Tags=tags)
    assert start(olivia, two, Tags=tags[:5])


def test_start_with_tags_needs_the_right_to_tag(client_of: ClientOf, people: Any, two: str) -> None:
    policy = people["operator"].principals.get().policies.get()
    policy.document["Statement"][0]["Action"].remove("ssm:AddTagsToResource")
    policy.save()
    client = client_of("operator")
    with refused("AccessDeniedException", journalled=True):
        start(client, two, Tags=TEAM)
    assert start(client, two)


def test_create_with_tags_needs_the_right_to_tag(client_of: ClientOf, people: Any) -> None:
    policy = people["administrator"].principals.get().policies.get()
    policy.document["Statement"][0]["Action"] = ["ssm:CreateDocument"]
    policy.save()
    with refused("AccessDeniedException", journalled=True):
        create(client_of("administrator"), "Two", Tags=TEAM)


def test_fifty_at_most(olivia: Any, resource: tuple[str, str]) -> None:
    add(olivia, *resource, **{f"k{number}": "v" for number in range(50)})
    with refused("TooManyTagsError", journalled=True):
        add(olivia, *resource, one="more")
    add(olivia, *resource, k1="w")


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("Document", "Nothing", "InvalidResourceId"),
        ("Automation", "no id", "InvalidResourceId"),
        ("Automation", "00000000-0000-0000-0000-000000000000", "InvalidResourceId"),
        ("Parameter", "x", "InvalidResourceType"),
        ("Cloud", "x", "ValidationException"),
    ],
)
def test_resource_that_there_is_not(ada: Any, kind: str, name: str, code: str) -> None:
    for call in (tags_of, lambda *one: add(*one, a="b"), lambda *one: remove(*one, "a")):
        with refused(code):
            call(ada, kind, name)


def test_execution_of_another_region(client_of: ClientOf, two: str) -> None:
    run = start(client_of("operator"), two)
    with refused("InvalidResourceId"):
        tags_of(client_of("operator", "us-east-1"), "Automation", run)


def test_keys_of_aws(olivia: Any, resource: tuple[str, str]) -> None:
    with refused("ValidationException", journalled=True):
        add(olivia, *resource, **{"aws:cloudformation:stack-id": "x"})


def test_who_may(client_of: ClientOf, resource: tuple[str, str]) -> None:
    for kind in ("approver", "viewer", "stranger"):
        client = client_of(kind)
        with refused("AccessDeniedException", journalled=True):
            add(client, *resource, a="b")
        with refused("AccessDeniedException", journalled=True):
            remove(client, *resource, "a")
    assert tags_of(client_of("viewer"), *resource) == {}
    with refused("AccessDeniedException"):
        tags_of(client_of("stranger"), *resource)
    with refused("InvalidResourceId"):
        tags_of(client_of("outsider"), *resource)
    assert not Tag.objects.exists()

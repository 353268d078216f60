"""aws:createTags: EC2's tags and those of Systems Manager, and what a lost answer leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from executions.actions.base import (
    BadInput,
    Call,
    Done,
    Sent,
    StepContext,
    Unknown,
    Wait,
)
from executions.actions.create_tags import CreateTags
from tests.actions.answers import DENIED, Answers, MakeContext

NAME = "aws:createTags"
TAGS = [{"Key": "owner", "Value": "ops"}, {"Key": "tmp", "Value": ""}]
WANTED = {"owner": "ops", "tmp": ""}
INPUTS = {"ResourceIds": ["i-1", "vol-1"], "Tags": TAGS}
REQUEST = {"Resources": ["i-1", "vol-1"], "Tags": TAGS}
BEFORE = {"i-1": {"owner": "dev"}, "vol-1": {}}


def shown(**resources: dict[str, str]) -> dict[str, Any]:
    """DescribeTags' answer: `shown(i_1={"owner": "ops"})`."""
    return {
        "Tags": [
            {"ResourceId": name.replace("_", "-"), "Key": key, "Value": value}
            for name, tags in resources.items()
            for key, value in tags.items()
        ]
    }


ALL_SET = shown(i_1=WANTED, vol_1=WANTED)


@pytest.fixture
def lost(make_context: MakeContext, now: datetime) -> MakeContext:
    """The context after the answer was lost: `lost(aws, before)`."""

    def make(aws: Answers, before: Any = BEFORE, **state: Any) -> StepContext:
        sent = Sent("ec2", "CreateTags", REQUEST, now)
        state = {"Before": before, **state}
        return make_context(NAME, INPUTS, sent=sent, state=state, read=aws.read)

    return make


def test_it_notes_the_old_values_and_overwrites_them(make_context: MakeContext) -> None:
    pages = [{**shown(i_1={"owner": "dev", "other": "x"}), "NextToken": "2"}, shown()]
    aws = Answers(DescribeTags=pages)
    outcome = CreateTags().begin(make_context(NAME, INPUTS, read=aws.read))
    assert outcome == Call("ec2", "CreateTags", REQUEST, {"Before": BEFORE})
    assert aws.asked[1][1]["NextToken"] == "2"


def test_who_may_not_look_may_still_tag(make_context: MakeContext) -> None:
    aws = Answers(DescribeTags=DENIED)
    context = make_context(NAME, INPUTS, read=aws.read)
    assert CreateTags().begin(context) == Call("ec2", "CreateTags", REQUEST, {"Before": None})
    assert CreateTags().resume(context) == Done()


@pytest.mark.parametrize("kind", ["ManagedInstance", "MaintenanceWindow", "Parameter"])
def test_systems_manager_tags_one_resource(make_context: MakeContext, kind: str) -> None:
    inputs = {"ResourceIds": ["mi-1"], "Tags": TAGS, "ResourceType": kind}
    aws = Answers(ListTagsForResource={"TagList": [{"Key": "owner", "Value": "dev"}]})
    context = make_context(NAME, inputs, read=aws.read)
    outcome = CreateTags().begin(context)
    request = {"ResourceType": kind, "ResourceId": "mi-1", "Tags": TAGS}
    state = {"Before": {"mi-1": {"owner": "dev"}}}
    assert outcome == Call("ssm", "AddTagsToResource", request, state)
    assert CreateTags().called(context, {}) == Done()


def test_it_ends_when_ec2_shows_the_tags(
    make_context: MakeContext, now: datetime, poll: datetime
) -> None:
    aws = Answers(DescribeTags=[shown(i_1=WANTED), ALL_SET])
    context = make_context(NAME, INPUTS, read=aws.read)
    assert CreateTags().called(context, {}) == Wait(now, {})
    assert CreateTags().resume(context) == Wait(poll, {})
    assert CreateTags().resume(context) == Done()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"ResourceIds": []}, "ResourceIds is empty"),
        ({"ResourceIds": ["i-1", ""]}, "an empty id"),
        ({"Tags": []}, "Tags must be a list"),
        ({"Tags": [{"Value": "x"}]}, "Tags must be a list"),
        ({"Tags": "owner=ops"}, "Tags must be a list"),
        ({"ResourceType": "Bucket"}, "not 'Bucket'"),
        ({"ResourceType": "Parameter"}, "exactly one"),
    ],
)
def test_it_refuses_inputs_that_cannot_be_right(
    make_context: MakeContext, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        CreateTags().begin(make_context(NAME, {**INPUTS, **inputs}))


def test_values_become_text(make_context: MakeContext) -> None:
    inputs = {"ResourceIds": "i-1", "Tags": [{"Key": "n", "Value": 3}, {"Key": "b", "Value": True}]}
    outcome = CreateTags().begin(
        make_context(NAME, inputs, read=Answers(DescribeTags=shown()).read)
    )
    assert isinstance(outcome, Call)
    assert outcome.request["Tags"] == [{"Key": "n", "Value": "3"}, {"Key": "b", "Value": "true"}]


def test_after_a_lost_answer_tags_that_are_there_are_adopted(lost: MakeContext) -> None:
    assert CreateTags().recover(lost(Answers(DescribeTags=ALL_SET))) == Done()


@pytest.mark.parametrize(
    "now_shown", [shown(i_1={"owner": "dev"}), shown(i_1=WANTED)], ids=["none", "some"]
)
def test_after_a_lost_answer_old_values_are_overwritten_again(
    lost: MakeContext, now_shown: dict[str, Any]
) -> None:
    outcome = CreateTags().recover(lost(Answers(DescribeTags=now_shown)))
    assert outcome == Call("ec2", "CreateTags", REQUEST, {"Before": BEFORE, "Resent": True})


@pytest.mark.parametrize("before", [BEFORE, None], ids=["known", "unknown"])
def test_a_third_value_is_nobodys_to_overwrite(lost: MakeContext, before: Any) -> None:
    aws = Answers(DescribeTags=shown(i_1={"owner": "sec"}))
    outcome = CreateTags().recover(lost(aws, before))
    assert isinstance(outcome, Unknown)
    assert "i-1" in outcome.reason
    assert outcome.evidence["Now"]["i-1"] == {"owner": "sec"}


def test_it_sends_again_only_once(lost: MakeContext) -> None:
    aws = Answers(DescribeTags=shown(i_1={"owner": "dev"}))
    assert isinstance(CreateTags().recover(lost(aws, Resent=True)), Unknown)


def test_a_person_is_asked_if_nobody_may_look(lost: MakeContext) -> None:
    assert isinstance(CreateTags().recover(lost(Answers(DescribeTags=DENIED))), Unknown)

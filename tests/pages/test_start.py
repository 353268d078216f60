"""Starting a run: bad input is told at its field, nothing is lost, nothing starts by mistake."""

from __future__ import annotations

from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponseBase
from django.test import Client

from executions.models import DocumentVersion, Event, Execution
from executions.models.journal import JournalEntry
from tests.pages.conftest import NOTHING, MakeRun, SignIn, make_version

PAGE = "/documents/111122223333/Resize/start/"
FREE = """
schemaVersion: "0.3"
parameters: {Text: {type: String}}
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT0S}}
"""


@pytest.fixture
def client(client_of: SignIn, version: DocumentVersion, aws: str) -> Client:
    """The operator's, who can start Resize on the simulated account."""
    return client_of("operator")


def fields(**changes: Any) -> dict[str, Any]:
    """A form that is in order but for the changes; what is None is left out."""
    good = {"region": "eu-west-1", "token": str(uuid4()), "p-Ticket": "OPS-1", "p-Size": "large"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def text(answer: HttpResponseBase) -> str:
    return unescape(b"".join(answer).decode())


def test_form_has_a_field_for_each_parameter(client: Client) -> None:
    page = text(client.get(PAGE))
    for name in ("InstanceId", "Size", "Ticket", "Count", "Labels"):
        assert f'name="p-{name}"' in page or f"instances-p-{name}" in page
    assert "The reason." in page


def test_review_says_what_will_run_and_starts_nothing(client: Client, web_1: str) -> None:
    answer = client.post(PAGE, fields(**{"p-InstanceId": web_1}))
    page = text(answer)
    assert answer.status_code == 200
    for words in ("Review before it starts", "Resize", "web-1", web_1, "OPS-1", "large"):
        assert words in page
    assert "without an approval" in page
    assert not Execution.objects.exists()


def test_confirmed_review_starts_it(client: Client, web_1: str) -> None:
    answer = client.post(PAGE, fields(confirm="1", **{"p-InstanceId": web_1}))
    execution = Execution.objects.get()
    assert answer.headers["Location"] == f"/executions/{execution.pk}/"
    assert execution.values["InstanceId"] == [web_1]
    assert execution.values["Ticket"] == "OPS-1"
    assert client.get(answer.headers["Location"]).status_code == 200


def test_twice_the_same_form_is_one_run(client: Client) -> None:
    form = fields(confirm="1")
    places = [client.post(PAGE, form).headers["Location"] for _ in range(2)]
    assert places[0] == places[1]
    assert Execution.objects.count() == 1


def test_same_token_with_other_parameters_is_refused(client: Client) -> None:
    form = fields(confirm="1")
    client.post(PAGE, form)
    answer = client.post(PAGE, {**form, "p-Ticket": "OPS-2"})
    assert answer.status_code == 409
    assert "was used for a start with other parameters" in text(answer)
    assert Execution.objects.count() == 1


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown parameter": ({"p-Colour": "red"}, "Undefined execution inputs: Colour."),
    "missing parameter": ({"p-Ticket": None}, "This field is required."),
    "empty parameter": ({"p-Ticket": ""}, "This field is required."),
    "not an allowed value": ({"p-Size": "huge"}, "huge is not one of the available choices"),
    "not of the pattern": ({"p-Ticket": "ops 1"}, "^OPS-[0-9]+$"),
    "no number": ({"p-Count": "many"}, "Enter a whole number."),
    "no map": ({"p-Labels": "{"}, "Labels"),
    "NUL": ({"p-Ticket": "OPS-1\0"}, "Null characters are not allowed."),
    "unknown instance": (
        {"p-InstanceId": "i-0123456789abcdef0"},
        "There is no instance i-0123456789abcdef0 in account 111122223333, eu-west-1.",
    ),
    "not an instance": ({"p-InstanceId": "web-1"}, "web-1"),
    "no Region": ({"region": None}, "This field is required."),
    "unknown Region": ({"region": "mars-1"}, "mars-1 is not one of the available choices"),
    "no token": ({"token": None}, "This field is required."),
    "token that is too long": ({"token": "a" * 65}, "at most 64 characters"),
    "too much": ({"p-Ticket": "OPS-" + "1" * 70_000}, "at most 65536 are allowed"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("confirm", [{}, {"confirm": "1"}], ids=["review", "confirm"])
def test_bad_input_is_told(client: Client, case: str, confirm: dict[str, str]) -> None:
    changes, sentence = BAD[case]
    answer = client.post(PAGE, fields(**changes, **confirm))
    page = text(answer)
    assert answer.status_code == 400
    assert sentence in page
    assert "Nothing was started." in page or 'role="alert"' in page
    for name, value in changes.items():
        if value and name.startswith("p-") and name != "p-Colour" and len(value) < 100:
            assert value.replace("\0", "") in page.replace("\0", "")  # what was typed stays
    assert not Execution.objects.exists()
    assert not Event.objects.exists()
    assert not JournalEntry.objects.exists()


def test_back_keeps_what_was_typed(client: Client) -> None:
    page = text(client.post(PAGE, fields(back="1", **{"p-Ticket": "OPS-77"})))
    assert 'value="OPS-77"' in page
    assert not Execution.objects.exists()


def test_values_in_the_address_fill_the_form(client: Client) -> None:
    page = text(client.get(f"{PAGE}?Ticket=OPS-5&Size=large&region=us-east-1"))
    assert 'value="OPS-5"' in page
    assert '<option value="large" selected>' in page


def test_starting_again_fills_the_form(client: Client, make_run: MakeRun) -> None:
    earlier = make_run(parameters={"Ticket": ["OPS-9"], "Size": ["large"]}, region="us-east-1")
    page = text(client.get(f"{PAGE}?like={earlier.pk}"))
    assert 'value="OPS-9"' in page
    assert '<option value="us-east-1" selected>' in page


@pytest.mark.parametrize("like", ["nonsense", NOTHING])
def test_starting_again_what_is_not_there(client: Client, like: str) -> None:
    assert client.get(f"{PAGE}?like={like}").status_code in {200, 404}


def test_what_people_write_is_never_markup(client: Client) -> None:
    make_version("Free", FREE)
    answer = client.post(
        "/documents/111122223333/Free/start/",
        {"region": "eu-west-1", "token": "t", "p-Text": "<script>alert(1)</script>"},
    )
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("version", ["0", "2", "latest", "²", "9" * 30, "-1"])
def test_version_that_is_not_there(client: Client, version: str) -> None:
    answer = client.get(PAGE, {"version": version})
    assert answer.status_code == 404


def test_picker_lists_the_instances_that_match(client: Client, web_1: str) -> None:
    query = {"field_name": "p-InstanceId", "region": "eu-west-1", "many": "1"}
    page = text(client.get("/instances/", {**query, "query": "web-1"}))
    assert web_1 in page
    assert "orders-api-1" not in page
    page = text(client.get("/instances/", {**query, "query": "orders", "p-InstanceId": web_1}))
    assert "not among the instances below" in page  # a choice is not lost by a search


@pytest.mark.parametrize("region", ["", "mars-1", "eu-west-1' OR 1=1"])
def test_picker_in_a_region_that_is_not_there(client: Client, region: str) -> None:
    answer = client.get("/instances/", {"field_name": "p-InstanceId", "region": region})
    assert answer.status_code == 200
    assert "has no Region" in text(answer)

"""What the tests of documents' pages share: an author, texts, and forms as people send them."""

from __future__ import annotations

from typing import Any

from django.test import Client

from console.iam import presets
from console.iam.models import Policy, Principal, User
from executions.models import Document
from tests.simulator.aws import PRODUCTION

TEXT = """description: Waits a second.
schemaVersion: "0.3"
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT1S}}
"""
LONGER = TEXT.replace("PT1S", "PT2S")
LONGEST = TEXT.replace("PT1S", "PT3S")
BAD = TEXT.replace("aws:sleep", "aws:approve")
WRITE = ["ssm:CreateDocument", "ssm:UpdateDocument", "ssm:AddTagsToResource"]


def make_author(*actions: str, account: str = PRODUCTION, name: str = "author") -> Client:
    """Somebody who reads everything and may do these actions; signed in."""
    policy = Policy.objects.create(
        name=f"Of-{name}", document=presets.document([*presets.READ, *actions])
    )
    person = User.objects.create(username=name, password="a hash that nothing meets")
    principal = Principal.objects.create(arn=f"arn:aws:iam::{account}:user/{name}", user=person)
    principal.policies.add(policy)
    client = Client()
    client.force_login(person)
    return client


def create(client: Client, name: str = "Wait", content: str = TEXT, **fields: Any) -> Any:
    """Send the form of a new document; the answer."""
    form = {"name": name, "content": content, "format": "YAML", **fields}
    return client.post("/documents/new/", form)


def edit(client: Client, content: str, based_on: int = 1, **fields: Any) -> Any:
    """Send the form of a new version of Production's document Wait; the answer."""
    form = {"content": content, "format": "YAML", "based_on": based_on, **fields}
    return client.post(f"/documents/{PRODUCTION}/Wait/edit/", form)


def wait() -> Document:
    """Production's document of that name, as it is now."""
    return Document.objects.get(owner=PRODUCTION, name="Wait")


def page(answer: Any) -> str:
    """The text of a page."""
    return str(answer.content.decode())

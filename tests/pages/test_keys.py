"""Access keys: one's own, shown once, revoked; and those of others for an administrator."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from console.iam import key_rights, keys
from console.iam.models import AccessKey, Principal, User
from executions.models import JournalEntry
from tests.pages.conftest import SignIn
from tests.simulator.aws import PRODUCTION, STAGING

People = dict[str, User | None]
OLIVIA = f"arn:aws:iam::{PRODUCTION}:user/olivia"
SECRET = re.compile(r'data-copy="([A-Za-z0-9+/]{40})"')
OTHERS = ("approver", "viewer", "stranger", "outsider")


def text(answer: Any) -> str:
    assert isinstance(answer, HttpResponse)
    return unescape(answer.content.decode())


def make_key(people: People, kind: str = "operator") -> AccessKey:
    """A key of somebody's."""
    user = people[kind]
    assert user
    assert user.principal
    return keys.create(user.principal, f"of {user}")[0]


def make(client: Client, arn: str = OLIVIA, description: str = "deploys") -> HttpResponse:
    """Fill in the form."""
    answer = client.post("/keys/create/", {"principal": arn, "description": description})
    assert isinstance(answer, HttpResponse)
    return answer


def revoke(client: Client, key: AccessKey) -> int:
    """Press the button; the status of the answer."""
    return client.post(f"/keys/{key.key_id}/revoke/").status_code


def find(key: AccessKey) -> keys.Bearer:
    """Who may sign with it."""
    bearer = keys.find(key.key_id)
    assert bearer
    return bearer


def test_secret_is_shown_once(client_of: SignIn) -> None:
    client = client_of("operator")
    answer = make(client)
    key = AccessKey.objects.get()
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    (secret,) = set(SECRET.findall(text(answer)))
    assert secret == keys.secret_of(find(key))
    assert (key.principal.arn, key.description) == (OLIVIA, "deploys")
    page = text(client.get("/keys/"))
    assert key.key_id in page
    assert "deploys" in page
    assert secret not in page
    assert secret not in key.secret
    assert secret not in str(dict(client.session))
    assert secret not in str(list(JournalEntry.objects.values()))
    entry = JournalEntry.objects.get(action="iam:CreateAccessKey")
    assert entry.granted
    assert entry.data["key"] == key.key_id


def test_key_of_another_of_ones_principals(client_of: SignIn, people: People) -> None:
    user = people["operator"]
    assert user
    other = f"arn:aws:sts::{STAGING}:assumed-role/Operators/olivia"
    Principal.objects.create(arn=other, user=user)
    client = client_of("operator")
    assert make(client, other).status_code == 200
    assert AccessKey.objects.get().principal.arn == other
    assert "Operators/olivia" in text(client.get("/keys/"))


@pytest.mark.parametrize("arn", ["", "x", f"arn:aws:iam::{PRODUCTION}:user/alice", "a\x00b"])
def test_key_of_somebody_else(client_of: SignIn, arn: str) -> None:
    answer = make(client_of("operator"), arn)
    assert answer.status_code == 400
    assert "No key was made." in text(answer)
    assert not AccessKey.objects.exists()


def test_description_that_is_too_long(client_of: SignIn) -> None:
    assert make(client_of("operator"), description="x" * 129).status_code == 400
    assert not AccessKey.objects.exists()


def test_ten_keys_of_a_principal(client_of: SignIn, people: People) -> None:
    made = [make_key(people) for _ in range(key_rights.MOST_KEYS)]
    client = client_of("operator")
    answer = make(client)
    assert answer.status_code == 400
    assert "revoke one that is not used" in text(answer)
    assert AccessKey.objects.count() == key_rights.MOST_KEYS
    revoke(client, made[0])
    assert make(client).status_code == 200


def test_revoked_is_shown_and_stays(client_of: SignIn, people: People) -> None:
    key, client = make_key(people), client_of("operator")
    assert f'id="revoke-{key.key_id}"' in text(client.get("/keys/"))
    assert revoke(client, key) == 302
    assert keys.find(key.key_id) is None
    page = text(client.get("/keys/"))
    assert "is revoked" in page
    assert f'id="revoke-{key.key_id}"' not in page
    revoke(client, key)
    assert "was revoked before" in text(client.get("/keys/"))
    assert [entry.granted for entry in JournalEntry.objects.all()] == [True, False]


def test_last_use_is_shown(client_of: SignIn, people: People) -> None:
    key, client = make_key(people), client_of("operator")
    assert "never" in text(client.get("/keys/"))
    assert keys.note_use(find(key))
    assert "never" not in text(client.get("/keys/"))


def test_nobody_else_sees_or_revokes_it(client_of: SignIn, people: People) -> None:
    key = make_key(people)
    for kind in OTHERS:
        client = client_of(kind)
        assert key.key_id not in text(client.get("/keys/"))
        assert revoke(client, key) == 404
    assert keys.find(key.key_id)


def test_administrator_sees_and_revokes_those_of_the_account(
    client_of: SignIn, people: People
) -> None:
    key, elsewhere = make_key(people), make_key(people, "outsider")
    client = client_of("administrator")
    page = text(client.get("/keys/"))
    assert "Keys of others" in page
    assert key.key_id in page
    assert elsewhere.key_id not in page
    assert revoke(client, elsewhere) == 404
    assert revoke(client, key) == 302
    assert keys.find(key.key_id) is None
    assert keys.find(elsewhere.key_id)


def test_who_may_only_list_does_not_revoke(client_of: SignIn, people: People) -> None:
    key, ada = make_key(people), people["administrator"]
    assert ada
    policy = ada.principals.get().policies.get()
    policy.document["Statement"][0]["Action"] = ["iam:ListAccessKeys"]
    policy.save()
    client = client_of("administrator")
    assert key.key_id in text(client.get("/keys/"))
    assert revoke(client, key) == 403
    assert keys.find(key.key_id)
    entry = JournalEntry.objects.get()
    assert not entry.granted


def test_menu_leads_there(client_of: SignIn) -> None:
    assert 'href="/keys/"' in text(client_of("viewer").get("/"))

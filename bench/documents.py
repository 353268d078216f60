"""How long the pages of documents take, in a catalogue of 2,000 documents with 20 versions each.

python -m bench.documents [--database postgres]

One signed-in client asks one web process, one page after the other. The graph is also measured
alone, without a page around it.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from functools import partial

from bench.site import (
    cpu_seconds,
    free_port,
    listens,
    percentiles,
    read_database,
    say,
    site,
    web_command,
)
from executions.runbook.layout import draw
from executions.runbook.parse import parse
from tests.stack.running import wait_until

REQUESTS, WARM_UP = 100, 5
OWNER = "111122223333"
FILL = """
from executions.models import Document, DocumentVersion, Tag
OWNER, WORDS = "111122223333", ["payments", "orders", "search", "billing", "fleet"]
ACTIONS = ["aws:sleep", "aws:approve", "aws:changeInstanceState", "aws:executeAwsApi", "aws:pause"]

def text(number, version):
    steps = "".join(
        f"  - name: step{at}\\n    action: {ACTIONS[(number + at) % 5]}\\n"
        f"    onFailure: step:clean\\n    inputs:\\n      Duration: PT{version}S\\n"
        f"      Note: what step {at} of document {number} is there for, in one line\\n"
        for at in range(20)
    )
    return (
        f"description: Runbook {number} of {WORDS[number % 5]}.\\n"
        f"schemaVersion: '0.3'\\nmainSteps:\\n{steps}"
        f"  - name: clean\\n    action: aws:sleep\\n    inputs: {{Duration: PT1S}}\\n"
    )

documents = Document.objects.bulk_create(
    Document(
        owner=OWNER, name=f"{WORDS[n % 5]}-runbook-{n:04}", latest_version=20, default_version=20
    )
    for n in range(2000)
)
for document in documents:
    number = int(document.name[-4:])
    DocumentVersion.objects.bulk_create(
        DocumentVersion(
            document=document, number=v, content=text(number, v), format="YAML",
            sha256=f"{number}-{v}", description=f"Runbook {number} of {WORDS[number % 5]}.",
        )
        for v in range(1, 21)
    )
Tag.objects.bulk_create(
    Tag(
        account_id=OWNER, resource_type="Document", resource_id=d.name, key="team",
        value=d.name[:4],
    )
    for d in documents
)
document = Document.objects.create(owner=OWNER, name="Longest")
DocumentVersion.objects.create(
    document=document, number=1, content=LONGEST, format="YAML", sha256="longest"
)
"""
SIGN_IN = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from console.iam.models import User
ada, session = User.objects.get(username="ada"), SessionStore()
session[SESSION_KEY] = str(ada.pk)
session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
session[HASH_SESSION_KEY] = ada.get_session_auth_hash()
session.save()
print(session.session_key)
"""
STEP = (
    "  - {{name: s{}, action: 'aws:sleep', onFailure: 'step:clean', inputs: {{Duration: PT1S}}}}\n"
)
LONGEST = (
    "schemaVersion: '0.3'\nmainSteps:\n"
    + "".join(STEP.format(number) for number in range(199))
    + "  - {name: clean, action: 'aws:sleep', inputs: {Duration: PT1S}}\n"
)


def _document(number: int) -> str:
    number = number * 37 % 2000
    word = ("payments", "orders", "search", "billing", "fleet")[number % 5]
    return f"/documents/{OWNER}/{word}-runbook-{number:04}/"


PAGES: dict[str, Callable[[int], str]] = {
    "list": lambda n: f"/documents/?page={1 + n % 20}",
    "search, a name": lambda n: f"/documents/?q=runbook-{n * 19 % 2000:04}",
    "search, an action": lambda n: f"/documents/?q=aws:{('approve', 'pause', 'sleep')[n % 3]}",
    "search, a tag": lambda n: f"/documents/?q=team%3D{('paym', 'orde', 'sear')[n % 3]}",
    "search, nothing found": lambda n: f"/documents/?q=nothing{n}+aws:approve",
    "difference of two versions": lambda n: f"{_document(n)}compare/?from={1 + n % 19}&to=20",
    "document": _document,
    "versions": lambda n: f"{_document(n)}?tab=versions",
    "used by": lambda n: f"{_document(n)}?tab=use",
    "graph of 200 steps, its page": lambda _: f"/documents/{OWNER}/Longest/?tab=graph",
}


def main() -> None:
    """Prints a JSON line for each page, and one for the graph alone."""
    database = read_database(__doc__)
    measure_graph()
    with site(database) as here:
        here.django(f"LONGEST = {LONGEST!r}{FILL}")
        session = here.django(SIGN_IN).strip()
        port = free_port()
        web = here.start(*web_command(port))
        wait_until(lambda: listens(port), "the web process answers")
        for name, path in PAGES.items():
            visit = partial(ask, port, session, path)
            measure(name, visit, lambda: cpu_seconds(web.pid), database)


def measure_graph() -> None:
    """Laying out 200 steps that all have a way to the same step when they fail."""
    runbook = parse(LONGEST)
    measure("graph of 200 steps, alone", lambda _: draw(runbook), time.process_time)


def measure(
    workload: str,
    act: Callable[[int], object],
    cpu: Callable[[], float],
    database: str = "none",
) -> None:
    """The same thing many times; the CPU time tells more on a machine that has other work."""
    for number in range(WARM_UP):
        act(number)
    used = cpu()
    seconds = [time_of(act, number) for number in range(REQUESTS)]
    say(
        "documents",
        workload=workload,
        database=database,
        **percentiles(seconds),
        cpu_ms=round(1000 * (cpu() - used) / REQUESTS, 1),
    )


def time_of(act: Callable[[int], object], number: int) -> float:
    """In seconds."""
    began = time.perf_counter()
    act(number)
    return time.perf_counter() - began


def ask(port: int, session: str, page: Callable[[int], str], number: int) -> None:
    """A page, whole; anything but a page ends the benchmark."""
    path = page(number)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": f"sessionid={session}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != http.client.OK:
        raise SystemExit(f"{path} answered {answer.status}.")


if __name__ == "__main__":
    main()

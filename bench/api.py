"""How many requests of the SSM API one web process answers, signatures verified, on SQLite.

python -m bench.api

No worker runs: what starts cost is measured, not what the runs do then. Requests are signed
before the clock runs, and sent over one connection per client.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.site import cpu_seconds, free_port, listens, percentiles, site, web_command
from bench.site import say as site_say
from tests.stack.running import wait_until

REGION = "eu-west-1"
DOCUMENT = """schemaVersion: "0.3"
parameters:
  Word: {type: String, default: hello}
mainSteps:
  - {name: first, action: "aws:sleep", inputs: {Duration: "PT1S"}}
  - {name: second, action: "aws:sleep", inputs: {Duration: "PT1S"}}
"""
REQUESTS = 2000  # of each workload
WARM_UP = 100
CLIENTS = (1, 4)
COMMIT_SECONDS = 2.0


def main() -> None:
    """Prints a JSON line for the limit, and one for each workload and number of clients."""
    with site() as here:
        say("raw commits", requests_per_s=round(commits_per_second(here.folder)))
        port = free_port()
        web = here.start(*web_command(port))
        wait_until(lambda: listens(port), "the web process answers")
        users = json.loads((here.folder / "users.json").read_text(encoding="utf-8"))
        measure_all(Api(port, users), web.pid)


def measure_all(api: Api, process: int) -> None:
    """Starts, then reads of what was started."""
    api.create_document()
    start = {"DocumentName": "Bench", "Parameters": {"Word": ["bye"]}}

    def starts(count: int) -> list[bytes]:
        return [
            api.sign("StartAutomationExecution", start | {"ClientToken": str(uuid4())})
            for _ in range(count)
        ]

    first = json.loads(exchange(api.port, starts(1))[0][1])

    def gets(count: int) -> list[bytes]:
        return [api.sign("GetAutomationExecution", first) for _ in range(count)]

    for make, workload in ((starts, "StartAutomationExecution"), (gets, "GetAutomationExecution")):
        exchange(api.port, make(WARM_UP))
        for clients in CLIENTS:
            measure(api.port, process, f"{workload}, {clients} clients", (make, clients))


def measure(
    port: int, process: int, workload: str, load: tuple[Callable[[int], list[bytes]], int]
) -> None:
    """Each client sends its share, one request after the other."""
    make, clients = load
    shares = [make(REQUESTS // clients) for _ in range(clients)]
    loop = loop_ms()
    used, began = cpu_seconds(process), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = [one for share in pool.map(lambda s: exchange(port, s), shares) for one in share]
    took, used = time.perf_counter() - began, cpu_seconds(process) - used
    say(
        workload,
        requests_per_s=round(len(answers) / took),
        **percentiles(answer[0] for answer in answers),
        server_cpu_ms=round(1000 * used / len(answers), 2),
        loop_ms=loop,
    )


def say(workload: str, **numbers: float) -> None:
    """One line."""
    site_say("api", workload=workload, database="sqlite", **numbers)


class Api:
    """Where the API is, and a key of an administrator."""

    def __init__(self, port: int, users: Sequence[Mapping[str, str]]) -> None:
        self.port = port
        ada = next(user for user in users if user["username"] == "ada")
        self._credentials = Credentials(ada["access_key_id"], ada["secret_access_key"])

    @property
    def url(self) -> str:
        """What a client is told."""
        return f"http://127.0.0.1:{self.port}/aws/"

    def create_document(self) -> None:
        """The document that is started."""
        client = boto3.client(
            "ssm",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=self._credentials.access_key,
            aws_secret_access_key=self._credentials.secret_key,
        )
        client.create_document(
            Name="Bench", Content=DOCUMENT, DocumentType="Automation", DocumentFormat="YAML"
        )

    def sign(self, operation: str, params: Mapping[str, Any]) -> bytes:
        """A whole request as botocore would send it."""
        body = json.dumps(params).encode()
        headers = {
            "X-Amz-Target": f"AmazonSSM.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Content-Length": str(len(body)),
            "amz-sdk-invocation-id": str(uuid4()),
            "amz-sdk-request": "attempt=1",
        }
        request = AWSRequest("POST", self.url, headers=headers, data=body)
        SigV4Auth(self._credentials, "ssm", REGION).add_auth(request)
        lines = [f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        return "\r\n".join(["POST /aws/ HTTP/1.1", *lines, "", ""]).encode() + body


def exchange(port: int, requests: Sequence[bytes]) -> list[tuple[float, bytes]]:
    """Seconds and the body for each request; all must succeed."""
    answers = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            began = time.perf_counter()
            connection.sendall(request)
            head, body = read_answer(connection)
            answers.append((time.perf_counter() - began, body))
            if not head.startswith(b"HTTP/1.1 200"):
                sys.exit(f"A request failed: {body.decode()}")
    return answers


def read_answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of one answer with a Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += receive(connection)
    head, body = received.split(b"\r\n\r\n", 1)
    fields = [line.split(b":", 1) for line in head.split(b"\r\n")[1:]]
    length = next(int(value) for name, value in fields if name.lower() == b"content-length")
    while len(body) < length:
        body += receive(connection)
    return head, body


def receive(connection: socket.socket) -> bytes:
    """What is there; an end of the connection is the end of the benchmark."""
    part = connection.recv(65536)
    if not part:
        sys.exit("The server hung up.")
    return part


def commits_per_second(folder: Path) -> float:
    """What SQLite itself can do here: one row in each durable transaction."""
    with sqlite3.connect(folder / "raw.sqlite3", isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE raw (id INTEGER PRIMARY KEY, text TEXT)")
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < COMMIT_SECONDS:
            connection.execute("INSERT INTO raw (text) VALUES (?)", ["x" * 500])
            count += 1
        return count / (time.perf_counter() - began)


def loop_ms() -> float:
    """What this machine needs for a loop of Python at this moment, to compare runs by."""
    began = time.perf_counter()
    sum(number * number for number in range(1_000_000))
    return round(1000 * (time.perf_counter() - began))


if __name__ == "__main__":
    main()

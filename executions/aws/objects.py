"""Reading objects of S3: bytes, which no step takes, and never more of them than asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final

from executions.aws.client import Identity, guarded, in_session
from executions.aws.errors import AwsRefused
from executions.aws.operations import Operation, core

CHUNK: Final = 64 * 1024
LONGEST: Final = timedelta(seconds=60)  # for one object, however slowly it comes


class TooLarge(AwsRefused):
    """The object has more bytes than the caller takes."""


def fetch_object(identity: Identity, region: str, place: tuple[str, str], most: int) -> bytes:
    """The bytes of (bucket, key); TooLarge if they are more than `most`, or another AwsError."""
    bucket, key = place

    def ask(client: Any) -> dict[str, Any]:
        return guarded(partial(_read, client, most), {"Bucket": bucket, "Key": key})

    model = core.get_service_model("s3").operation_model("GetObject")
    data: bytes = in_session(identity, region, Operation("s3", "GetObject", model), ask)["Data"]
    return data


def _read(client: Any, most: int, **request: Any) -> dict[str, Any]:
    answer = client.get_object(**request)
    body = answer["Body"]
    try:
        if answer.get("ContentLength", 0) > most:
            raise TooLarge(f"It has {answer['ContentLength']} bytes, more than {most}.")
        return {"Data": b"".join(_chunks(body, most))}
    finally:
        body.close()


def _chunks(body: Any, most: int) -> Iterator[bytes]:
    size, until = 0, time.monotonic() + LONGEST.total_seconds()
    for chunk in body.iter_chunks(CHUNK):
        size += len(chunk)
        if size > most:
            raise TooLarge(f"It has more than {most} bytes.")
        if time.monotonic() > until:
            raise AwsRefused(f"It did not arrive within {LONGEST.seconds} s.")
        yield chunk

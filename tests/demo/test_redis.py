"""The Redis of ./run is a real one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as NotYet
from redis.retry import Retry

from console.demo import redis
from console.demo.options import Trouble


def test_it_answers_on_a_private_socket(tmp_path: Path) -> None:
    server = subprocess.Popen(redis.command(tmp_path), stdout=subprocess.DEVNULL)
    patient = Retry(ConstantBackoff(0.05), 200, supported_errors=(NotYet,))
    try:
        with Redis.from_url(redis.url(tmp_path), retry=patient) as client:
            assert client.ping()
            assert client.config_get("port")["port"] in {"0", b"0"}
        assert redis.socket(tmp_path).stat().st_mode & 0o777 == 0o700
    finally:
        server.terminate()
        server.wait(timeout=10)


def test_machine_without_redis_is_told_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "PLACES", [str(tmp_path)])
    with pytest.raises(Trouble, match="apt-get install redis-server"):
        redis.command(tmp_path)

"""The command line of ./run."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from console.demo import options


def parse(*words: str) -> options.Options:
    parser = argparse.ArgumentParser()
    options.add_arguments(parser)
    return options.from_namespace(parser.parse_args(words))


def test_defaults() -> None:
    assert parse() == options.Options(state=options.ROOT / "var", workers=2)


def test_every_option() -> None:
    given = parse(
        *("--port", "81", "--state", "/srv/x", "--reset", "--workers", "3", "--postgres"),
        *("--aws-endpoint", "http://localhost:5000"),
    )
    assert given == options.Options(
        state=Path("/srv/x"),
        port=81,
        reset=True,
        aws_endpoint="http://localhost:5000",
        workers=3,
        postgres=True,
    )


def test_state_is_relative_to_where_the_person_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse("--state", "here").state == tmp_path / "here"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port", "0"], "a port is a number from 1 to 65535, not '0'"),
        (["--port", "http"], "a port is a number from 1 to 65535, not 'http'"),
        (["--workers", "0"], "give a number from 1 to 64, not '0'"),
        (["--aws-endpoint", "localhost:5000"], "an endpoint begins with http:// or https://"),
    ],
)
def test_bad_values_are_explained(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(*words)
    assert sentence in capsys.readouterr().err

"""Every action of the engine is tested in a file of its own and explained in the manual."""

from __future__ import annotations

from pathlib import Path

import pytest

from executions import actions
from executions.actions.base import Action, registry

ROOT = Path(__file__).parents[2]
PACKAGE = "executions.actions."

actions.load()
OWN = [item for item in registry if type(item).__module__.startswith(PACKAGE)]


def name_of(action: Action) -> str:
    return action.spec.name


def test_the_loader_finds_the_actions_by_itself() -> None:
    expected = {
        "aws:assertAwsResourceProperty",
        "aws:branch",
        "aws:changeInstanceState",
        "aws:executeAwsApi",
        "aws:sleep",
        "aws:waitForAwsResourceProperty",
    }
    assert expected <= {name_of(action) for action in OWN}


@pytest.mark.parametrize("action", OWN, ids=name_of)
def test_it_has_a_test_file(action: Action) -> None:
    module = type(action).__module__.removeprefix(PACKAGE)
    assert (ROOT / "tests" / "actions" / f"test_{module}.py").is_file()


@pytest.mark.parametrize("action", OWN, ids=name_of)
def test_it_has_its_place_in_the_manual(action: Action) -> None:
    manual = (ROOT / "docs" / "actions.md").read_text(encoding="utf-8")
    assert f"\n## `{action.spec.name}`\n" in manual


@pytest.mark.parametrize("action", OWN, ids=name_of)
def test_it_names_the_aws_page_it_follows(action: Action) -> None:
    assert f'"{action.spec.name} - ' in (type(action).__doc__ or "")


@pytest.mark.parametrize("action", OWN, ids=name_of)
def test_it_gives_types_only_to_inputs_it_takes(action: Action) -> None:
    spec = action.spec
    if spec.optional is not None:
        assert set(spec.types) == spec.required | spec.optional
    assert set(spec.types) >= spec.required

"""EC2's states over time, with a clock that the test moves."""

from __future__ import annotations

import pytest
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance

from console.simulator.answers import RefusedError
from console.simulator.transitions import Transitions, require_attribute_change, require_legal


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transitions(clock: Clock) -> Transitions:
    return Transitions(1.0, clock)


@pytest.fixture
def instance() -> Instance:
    backend = ec2_backends["999988887777"]["eu-west-1"]
    made: Instance = backend.run_instances(
        "ami-1", 1, None, [], region_name="eu-west-1", is_instance_type_default=True
    ).instances[0]
    return made


def pass_time(transitions: Transitions, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    transitions.settle()


def test_stop_takes_eight_seconds(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    assert transitions.stop(instance, force=False)
    pass_time(transitions, clock, 7.9)
    assert (instance.state, instance.state_code) == ("stopping", 64)
    pass_time(transitions, clock, 0.2)
    assert (instance.state, instance.state_code) == ("stopped", 80)


def test_forced_stop_takes_three_seconds(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    transitions.stop(instance, force=True)
    pass_time(transitions, clock, 3.1)
    assert instance.state == "stopped"


def test_force_hastens_a_stop_under_way(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    transitions.stop(instance, force=False)
    pass_time(transitions, clock, 1)
    assert not transitions.stop(instance, force=True)
    pass_time(transitions, clock, 3.1)
    assert instance.state == "stopped"


def test_force_never_delays_a_stop(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    transitions.stop(instance, force=False)
    pass_time(transitions, clock, 7)
    transitions.stop(instance, force=True)
    pass_time(transitions, clock, 1.1)
    assert instance.state == "stopped"


def test_stop_keeps_the_time_it_was_asked_for(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    transitions.stop(instance, force=False)
    asked = instance.state_transition_reason
    pass_time(transitions, clock, 9)
    assert asked == instance.state_transition_reason
    assert asked is not None
    assert asked.startswith("User initiated (")
    assert asked.endswith(" GMT)")
    assert instance.state_reason.code == "Client.UserInitiatedShutdown"


def test_start_passes_pending_then_initializing_then_ok(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    instance.stop()
    launched = instance.launch_time
    assert transitions.start(instance)
    assert instance.state == "pending"
    assert instance.launch_time > launched
    assert transitions.describe_checks(instance) == {"Status": "not-applicable"}
    pass_time(transitions, clock, 4.1)
    assert instance.state == "running"
    assert transitions.describe_checks(instance)["Status"] == "initializing"
    pass_time(transitions, clock, 6)
    assert transitions.describe_checks(instance)["Status"] == "ok"


def test_start_clears_why_it_had_stopped(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    transitions.stop(instance, force=False)
    pass_time(transitions, clock, 9)
    transitions.start(instance)
    assert instance.state_transition_reason == ""


def test_checks_count_from_when_it_ran_not_from_when_somebody_looked(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    transitions.launch(instance)
    pass_time(transitions, clock, 60)
    assert transitions.describe_checks(instance)["Status"] == "ok"


def test_terminate_takes_four_seconds_and_overtakes_a_stop(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    transitions.stop(instance, force=False)
    assert transitions.terminate(instance)
    pass_time(transitions, clock, 4.1)
    assert instance.state == "terminated"
    pass_time(transitions, clock, 10)
    assert instance.state == "terminated"


def test_what_moto_ended_itself_stays_ended(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    transitions.stop(instance, force=False)
    instance.terminate()
    pass_time(transitions, clock, 9)
    assert instance.state == "terminated"


def test_time_scale_stretches_everything(clock: Clock, instance: Instance) -> None:
    transitions = Transitions(10.0, clock)
    transitions.stop(instance, force=False)
    pass_time(transitions, clock, 79)
    assert instance.state == "stopping"
    pass_time(transitions, clock, 2)
    assert instance.state == "stopped"


def test_repeating_a_verb_changes_nothing(
    transitions: Transitions, clock: Clock, instance: Instance
) -> None:
    assert not transitions.start(instance)
    transitions.terminate(instance)
    assert not transitions.terminate(instance)
    pass_time(transitions, clock, 5)
    assert not transitions.terminate(instance)


def test_one_illegal_instance_refuses_the_request(instance: Instance) -> None:
    backend = instance.ec2_backend
    gone = backend.run_instances(
        "ami-1", 1, None, [], region_name="eu-west-1", is_instance_type_default=True
    ).instances[0]
    gone.terminate()
    with pytest.raises(RefusedError, match=f"'{gone.id}' is not in a state") as refusal:
        require_legal("stop", [instance, gone])
    assert refusal.value.code == "IncorrectInstanceState"


def test_the_type_changes_only_while_stopped(instance: Instance) -> None:
    with pytest.raises(RefusedError, match="is not in the 'stopped' state"):
        require_attribute_change(instance, "instance_type")
    require_attribute_change(instance, "source_dest_check")
    instance.stop()
    require_attribute_change(instance, "instance_type")

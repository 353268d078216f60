"""EC2 as moto answers it, with time: the operations that move instances."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from typing import Any, cast

from moto.backends import get_backend
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import OperationDisableApiStopNotPermitted, OperationNotPermitted4
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState, Reservation
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import filter_dict_attribute_mapping

from console.simulator.answers import RefusedError
from console.simulator.calls import record_effect
from console.simulator.transitions import Transitions, require_attribute_change, require_legal

Operation = Callable[[InstanceResponse, Transitions], ActionResult]

# Filters of DescribeInstances that moto does not know.
FILTERS = {"client-token": "client_token", "launch-index": "ami_launch_index"}


def install(transitions: Transitions) -> None:
    """Put timed instances in the place of moto's immediate ones, once per process."""
    operations: dict[str, Operation] = {
        "start_instances": start_instances,
        "stop_instances": stop_instances,
        "terminate_instances": terminate_instances,
        "reboot_instances": reboot_instances,
        "run_instances": _remember_tokens(InstanceResponse.run_instances),
    }
    for name, operation in operations.items():
        setattr(InstanceResponse, name, _bind(operation, transitions))
    checks = property(transitions.describe_checks)
    for name in ("instance_status", "system_status"):
        setattr(Instance, name, checks)
    _guard_attributes(InstanceBackend.modify_instance_attribute)
    filter_dict_attribute_mapping.update(FILTERS)


def start_instances(response: InstanceResponse, transitions: Transitions) -> ActionResult:
    instances = _read_instances(response)
    require_legal("start", instances)
    return _answer("StartingInstances", _change(instances, transitions.start))


def stop_instances(response: InstanceResponse, transitions: Transitions) -> ActionResult:
    force = bool(response.params.get("Force"))
    instances = _read_instances(response)
    for instance in instances:
        if instance.disable_api_stop is True:
            raise OperationDisableApiStopNotPermitted(instance.id)
    require_legal("stop", instances)
    changes = _change(instances, lambda instance: transitions.stop(instance, force))
    return _answer("StoppingInstances", changes)


def terminate_instances(response: InstanceResponse, transitions: Transitions) -> ActionResult:
    instances = _read_instances(response)
    for instance in instances:
        if instance.disable_api_termination is True:
            raise OperationNotPermitted4(instance.id)
    changes = _change(instances, transitions.terminate)
    _tell_groups(response, [instance.id for instance in instances])
    return _answer("TerminatingInstances", changes)


def reboot_instances(response: InstanceResponse, transitions: Transitions) -> ActionResult:
    instances = _read_instances(response)
    require_legal("reboot", instances)
    for instance in instances:
        if instance.state == "running":
            transitions.reboot(instance)
            record_effect([instance.id])
    return EmptyResult()


def _remember_tokens(launch: Callable[[InstanceResponse], ActionResult]) -> Operation:
    """RunInstances with client tokens ("Ensuring idempotency in Amazon EC2 API requests")."""
    launched: dict[tuple[str, str, str], tuple[str, Reservation]] = {}

    def run_instances(response: InstanceResponse, transitions: Transitions) -> ActionResult:
        token = response.params.get("ClientToken")
        key = (response.current_account, response.region, token)
        fingerprint = _fingerprint(response.params)
        if token and key in launched:
            known, reservation = launched[key]
            if known != fingerprint:
                raise RefusedError(
                    "IdempotentParameterMismatch",
                    "Arguments on this idempotent request are inconsistent with arguments "
                    "used in previous request(s).",
                )
            return ActionResult(reservation)
        _require_available(response)
        # EC2 launches MaxCount when it has room, and here it always has; moto takes MinCount.
        response.params["MinCount"] = response.params.get("MaxCount", 1)
        result = launch(response)
        reservation = cast(Reservation, result.result)
        for instance in reservation.instances:
            transitions.launch(instance)
        record_effect(instance.id for instance in reservation.instances)
        launched[key] = (fingerprint, reservation)
        return result

    return run_instances


def _require_available(response: InstanceResponse) -> None:
    """Refuse a launch from an image that is not ready yet."""
    image = response.ec2_backend.amis.get(response.params.get("ImageId"))
    if image is not None and image.state != "available":
        message = f"The image ID '{image.id}' is not available: it is {image.state}."
        raise RefusedError("InvalidAMIID.Unavailable", message)


def _bind(operation: Operation, transitions: Transitions) -> Callable[..., ActionResult]:
    """A plain function, since moto finds its operations among those."""

    @functools.wraps(operation)
    def method(response: InstanceResponse) -> ActionResult:
        return operation(response, transitions)

    return method


def _read_instances(response: InstanceResponse) -> list[Instance]:
    response.error_on_dryrun()
    ids = response.params.get("InstanceIds", [])
    if not ids:
        raise RefusedError("MissingParameter", "The request must contain the parameter InstanceId")
    instances: list[Instance] = response.ec2_backend.get_multi_instances_by_id(ids)
    return instances


def _fingerprint(parameters: Any) -> str:
    rest = {name: value for name, value in parameters.items() if name != "ClientToken"}
    return json.dumps(rest, sort_keys=True, default=str)


def _change(
    instances: Iterable[Instance], change: Callable[[Instance], bool]
) -> list[tuple[Instance, InstanceState]]:
    """Change each instance; (instance, its state before)."""
    changes = []
    for instance in instances:
        changes.append((instance, InstanceState(instance.state, instance.state_code)))
        if change(instance):
            record_effect([instance.id])
    return changes


def _answer(name: str, changes: list[tuple[Instance, InstanceState]]) -> ActionResult:
    return ActionResult(
        {
            name: [
                {
                    "InstanceId": instance.id,
                    "CurrentState": instance.instance_state,
                    "PreviousState": previous,
                }
                for instance, previous in changes
            ]
        }
    )


def _tell_groups(response: InstanceResponse, instance_ids: list[str]) -> None:
    account, region = response.current_account, response.region
    get_backend("autoscaling")[account][region].notify_terminate_instances(instance_ids)
    get_backend("elbv2")[account][region].notify_terminate_instances(instance_ids)


def _guard_attributes(modify: Callable[[InstanceBackend, str, str, Any], Instance]) -> None:
    def modify_instance_attribute(
        backend: InstanceBackend, instance_id: str, key: str, value: Any
    ) -> Instance:
        require_attribute_change(backend.get_instance(instance_id), key)
        return modify(backend, instance_id, key, value)

    name = modify_instance_attribute.__name__
    setattr(InstanceBackend, name, modify_instance_attribute)

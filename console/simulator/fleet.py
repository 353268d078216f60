"""What the simulated accounts hold at the start: people, roles, two dozen instances."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS
from moto.iam.models import iam_backends
from moto.sns.models import sns_backends

from console.simulator.identity import HUB_ACCOUNT
from console.simulator.transitions import explain_user_action

PRODUCTION = "111122223333"
STAGING = "444455556666"
ALIASES = {PRODUCTION: "example-production", STAGING: "example-staging"}
ENVIRONMENTS = {PRODUCTION: "production", STAGING: "staging"}

TOPIC = "Automation-approvals"
EXECUTION_ROLE = "CountersignExecution"
PROFILE = "ManagedInstanceProfile"
PEOPLE = ("olivia", "alice", "bob", "victor", "ada")
PEOPLES_ROLES = {PRODUCTION: ("ReleaseManagers",), STAGING: ("Operators",)}

EXECUTION_RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                *("autoscaling:*", "cloudformation:*", "ec2:*", "iam:*", "lambda:*", "rds:*"),
                *("s3:*", "sns:*", "sqs:*", "ssm:*", "states:*", "tag:*"),
            ],
            "Resource": "*",
        }
    ],
}


@dataclass(frozen=True)
class Machine:
    """One instance of the fleet as a person would describe it."""

    name: str
    service: str
    owner: str
    instance_type: str
    stopped: bool = False


FLEET: dict[tuple[str, str], tuple[Machine, ...]] = {
    (PRODUCTION, "eu-west-1"): (
        Machine("web-1", "web", "team-storefront", "m6i.large"),
        Machine("web-2", "web", "team-storefront", "m6i.large"),
        Machine("web-3", "web", "team-storefront", "m6i.large"),
        Machine("orders-api-1", "orders", "team-orders", "c6i.xlarge"),
        Machine("orders-api-2", "orders", "team-orders", "c6i.xlarge"),
        Machine("orders-db-1", "orders", "team-data", "r6i.2xlarge"),
        Machine("orders-db-2", "orders", "team-data", "r6i.2xlarge"),
        Machine("payments-1", "payments", "team-payments", "m6i.xlarge"),
        Machine("payments-2", "payments", "team-payments", "m6i.xlarge"),
        Machine("batch-1", "batch", "team-data", "c6i.4xlarge", stopped=True),
        Machine("bastion-1", "access", "team-platform", "t3.micro"),
    ),
    (PRODUCTION, "us-east-1"): (
        Machine("web-us-1", "web", "team-storefront", "m6i.large"),
        Machine("web-us-2", "web", "team-storefront", "m6i.large"),
        Machine("search-us-1", "search", "team-search", "r6i.large"),
        Machine("search-us-2", "search", "team-search", "r6i.large"),
        Machine("reports-us-1", "reports", "team-data", "m6i.xlarge", stopped=True),
    ),
    (STAGING, "eu-west-1"): (
        Machine("web-staging-1", "web", "team-storefront", "t3.medium"),
        Machine("orders-api-staging-1", "orders", "team-orders", "t3.medium"),
        Machine("orders-db-staging-1", "orders", "team-data", "t3.large"),
        Machine("payments-staging-1", "payments", "team-payments", "t3.medium", stopped=True),
        Machine("load-test-1", "load-test", "team-platform", "c6i.xlarge", stopped=True),
    ),
    (STAGING, "us-east-1"): (
        Machine("web-us-staging-1", "web", "team-storefront", "t3.medium"),
        Machine("search-us-staging-1", "search", "team-search", "t3.large"),
        Machine("ci-runner-1", "ci", "team-platform", "c6i.2xlarge"),
    ),
}


def seed_accounts() -> None:
    """Users, roles and an alias in each account. Only the execution roles trust the hub."""
    for account, alias in ALIASES.items():
        iam = iam_backends[account]["aws"]
        iam.create_account_alias(alias)
        _create_role(iam, EXECUTION_ROLE, HUB_ACCOUNT)
        iam.put_role_policy(EXECUTION_ROLE, "RunAutomations", json.dumps(EXECUTION_RIGHTS))
        for name in PEOPLES_ROLES[account]:
            _create_role(iam, name, account)
        _create_profile(iam)
    for name in PEOPLE:
        iam_backends[PRODUCTION]["aws"].create_user("us-east-1", name)


def seed_topics() -> None:
    """The topic that approval steps may name, in each Region with a fleet."""
    for account, region in FLEET:
        sns_backends[account][region].create_topic(TOPIC)


def seed_fleet(seed: int) -> None:
    """The instances of FLEET, launched on believable days; same seed, same ids and ages."""
    dates = random.Random(seed)  # noqa: S311 - ages of instances, no secret
    for (account, region), machines in FLEET.items():
        backend = ec2_backends[account][region]
        image_id = _find_image(backend)
        zones = sorted(backend.get_default_subnets().items())
        for number, machine in enumerate(machines):
            _, subnet = zones[number % len(zones)]
            instance = _launch(backend, machine, image_id, subnet.id, ENVIRONMENTS[account])
            instance.launch_time = utcnow() - timedelta(minutes=dates.randrange(1440, 150_000))
            if machine.stopped:
                instance.stop()
                minutes = dates.randrange(60, 1440)
                explain_user_action(instance, utcnow() - timedelta(minutes=minutes))


def forget_other_regions() -> None:
    """Drop moto's list of instance types sold in Regions without a fleet: 24 MB."""
    kept = {region for _, region in FLEET}
    for offerings in INSTANCE_TYPE_OFFERINGS.values():
        offerings.update({region: [] for region in offerings if region not in kept})


def _create_role(iam: Any, name: str, trusted_account: str) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{trusted_account}:root"},
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
            }
        ],
    }
    iam.create_role(name, json.dumps(trust), "/", None, "", [], "3600")


def _create_profile(iam: Any) -> None:
    """The instance profile that the runbooks for AMIs take unless told otherwise."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = iam.create_role(PROFILE, json.dumps(trust), "/", None, "", [], "3600")
    profile = iam.create_instance_profile(PROFILE, "/", [])
    profile.roles.append(role)


def _find_image(backend: Any) -> str:
    """Amazon Linux 2023 of this Region."""
    names = {image.name: image.id for image in backend.amis.values() if image.name}
    found = (n for n in sorted(names) if n.startswith("al2023-ami-2023") and "x86_64" in n)
    return str(names[next(found)])


def _launch(backend: Any, machine: Machine, image_id: str, subnet_id: str, environment: str) -> Any:
    tags = {
        "Name": machine.name,
        "env": environment,
        "service": machine.service,
        "owner": machine.owner,
    }
    reservation = backend.run_instances(
        image_id,
        1,
        None,
        [],
        region_name=backend.region_name,
        instance_type=machine.instance_type,
        is_instance_type_default=False,
        subnet_id=subnet_id,
        tags={"instance": tags, "volume": tags},
    )
    return reservation.instances[0]

"""Auto Scaling: a group of two instances of the fleet."""

from __future__ import annotations

from typing import Final

from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends

from console.simulator.extensions import Tools
from console.simulator.fleet import PRODUCTION

REGION: Final = "us-east-1"
GROUP: Final = "search-us"
MEMBERS: Final = ("search-us-1", "search-us-2")


def install(tools: Tools) -> None:
    """Seed the group; moto's Auto Scaling needs nothing else."""
    if not tools.seeded:
        return
    ec2, backend = ec2_backends[PRODUCTION][REGION], autoscaling_backends[PRODUCTION][REGION]
    members = [
        each
        for each in ec2.all_instances()
        if any(tag["key"] == "Name" and tag["value"] in MEMBERS for tag in each.get_tags())
    ]
    template = ec2.create_launch_template(
        name=GROUP,
        description="Search nodes",
        template_data={"ImageId": members[0].image_id, "InstanceType": members[0].instance_type},
        tag_spec={},
    )
    backend.create_auto_scaling_group(
        name=GROUP,
        availability_zones=[f"{REGION}a", f"{REGION}b"],
        desired_capacity=0,
        max_size=4,
        min_size=0,
        launch_config_name="",
        launch_template={"LaunchTemplateId": template.id, "Version": "1"},
        vpc_zone_identifier=None,
        default_cooldown=300,
        health_check_period=300,
        health_check_type="EC2",
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=["Default"],
        tags=[],
        new_instances_protected_from_scale_in=False,
        instance_id=None,
        capacity_rebalance=False,
        mixed_instances_policy=None,
    )
    backend.attach_instances(GROUP, [each.id for each in members])

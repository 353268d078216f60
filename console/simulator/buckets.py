"""S3: a bucket of templates to create and update stacks from."""

from __future__ import annotations

import json
from typing import Final

from moto.s3.models import s3_backends

from console.simulator.extensions import Tools
from console.simulator.fleet import PRODUCTION, STAGING

BUCKETS: Final = {
    PRODUCTION: "example-production-templates",
    STAGING: "example-staging-templates",
}
REGION: Final = "eu-west-1"
TEMPLATE: Final = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Description": "A work queue with its dead letters, and a topic that tells of them",
    "Parameters": {
        "VisibilityTimeout": {"Type": "Number", "Default": "60"},
    },
    "Resources": {
        "DeadLetters": {"Type": "AWS::SQS::Queue"},
        "Work": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "VisibilityTimeout": {"Ref": "VisibilityTimeout"},
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
                    "maxReceiveCount": 5,
                },
            },
        },
        "Alerts": {"Type": "AWS::SNS::Topic"},
    },
    "Outputs": {
        "QueueUrl": {"Value": {"Ref": "Work"}},
        "TopicArn": {"Value": {"Ref": "Alerts"}},
    },
}
TEMPLATES: Final = {
    "work-queue.json": TEMPLATE,
    "work-queue-patient.json": {
        **TEMPLATE,
        "Parameters": {"VisibilityTimeout": {"Type": "Number", "Default": "300"}},
    },
}


def install(tools: Tools) -> None:
    """Seed the buckets; moto's S3 needs nothing else."""
    if not tools.seeded:
        return
    for account, bucket in BUCKETS.items():
        backend = s3_backends[account]["aws"]
        backend.create_bucket(bucket, REGION)
        for key, template in TEMPLATES.items():
            backend.put_object(bucket, key, json.dumps(template, indent=2).encode())

"""What was published to the topics of the simulated accounts, for tests to read."""

from __future__ import annotations

from typing import Any

from moto.sns.models import sns_backends


def list_messages() -> list[dict[str, Any]]:
    """Each message with its topic and subject; a topic's messages stand in their order."""
    return [
        {"topic": arn, "id": identity, "subject": subject, "message": message}
        for _, regions in list(sns_backends.items())
        for _, backend in list(regions.items())
        for arn, topic in list(backend.topics.items())
        for identity, message, subject, *_ in list(topic.sent_notifications)
    ]
